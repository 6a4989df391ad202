"""Watching an utterance: where its time goes."""
