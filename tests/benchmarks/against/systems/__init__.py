"""The measured systems. Each module is imported in a process of its own, by ``child``.

A system is made from (folder of the models, settings) and has ``prepared(job)``, which returns a
function to be timed: ``speak(heard)`` calls ``heard(samples)`` for each piece of audio as soon as
it is available.
"""
