"""The systems that are measured. Each module is imported in a process of its own, by ``child``.

A system is made from (folder of the models, settings) and has ``prepared(job)``, which gives a
function to be timed: ``speak(heard)`` calls ``heard(samples)`` for each piece of audio that it has
got, as soon as it has it.
"""
