"""The jobs of the systems: a text, with its symbols and ids."""

from __future__ import annotations

from typing import Any

from voxstack import Host

from against.models import VOICE, Models
from against.systems.voxstack_system import LONG
from against.texts import PAGES, SENTENCES

Job = dict[str, Any]


def jobs(host: Host, models: Models) -> dict[tuple[str, int], Job]:
    """Return the jobs by kind ("sentence", "page") and seconds."""
    voice = host.voice(VOICE, edits=LONG, load=False)

    def job(text: str) -> Job:
        sentences = voice.built.frontend.sentences([text])
        spelled = [models.alphabet.spelled(sentence) for sentence in sentences]
        ids = [models.alphabet.piper_ids(symbols) for symbols in spelled]
        return {"text": text, "spelled": spelled, "ids": ids}

    texts = {"sentence": SENTENCES, "page": PAGES}
    return {(k, seconds): job(t) for k, given in texts.items() for seconds, t in given.items()}
