"""The stages that make data: corpus and features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.resources import files
from multiprocessing import get_context
from typing import Literal

from voxstack_train.corpus.sentences import coverage
from voxstack_train.corpus.utterances import Corpus, summary
from voxstack_train.errors import TrainError
from voxstack_train.stages.common import digest, write_json
from voxstack_train.work import Work


def builtin(name: str) -> list[str]:
    """Return the lines of an included text: sentences, easy, hard or nasty."""
    text = files("voxstack_train").joinpath("data", f"{name}.txt").read_text("ascii")
    return text.splitlines()


def corpus(work: Work) -> None:
    """Let the teachers read the sentences, and import the recordings."""
    from voxstack_train.corpus.recorded import import_recorded, size_of
    from voxstack_train.corpus.teacher import teach

    texts = sentences(work)
    if any(speaker.teacher for speaker in work.recipe.corpus.speakers):
        used = {
            (s.first + i) % len(texts)
            for s in work.recipe.corpus.speakers
            if s.teacher
            for i in range(s.count)
        }
        report = coverage(texts[i] for i in sorted(used))
        write_json(work.folder / "coverage.json", report)
    for speaker in work.recipe.corpus.speakers:
        folder = work.corpus / speaker.name
        if speaker.recorded is not None:
            count = size_of(speaker.recorded, work.source.parent)
            with work.bar(f"corpus: {speaker.name}", count) as bar:
                taken = import_recorded(speaker.recorded, folder, bar.advance, work.source.parent)
            work.say(f"corpus: {speaker.name}: {taken.added} added, {taken.kept} already there")
            _report(
                work, f"corpus: {speaker.name}", [*map(str, taken.left_out), *taken.questionable]
            )
            continue
        wanted = {
            f"{i % len(texts):05d}": texts[i % len(texts)]
            for i in range(speaker.first, speaker.first + speaker.count)
        }
        with work.bar(f"corpus: {speaker.name}", len(wanted)) as bar:
            taught = teach(speaker.name, wanted, folder, bar.advance)
        work.say(
            f"corpus: {speaker.name}: {taught.added} added, {taught.kept} already there,"
            f" {len(taught.differ)} left out (teacher and frontend say them differently)"
        )
    write_json(work.folder / "corpus.json", summary(work.corpus))


def sentences(work: Work) -> list[str]:
    """Return the recipe's sentences."""
    source = work.recipe.corpus.sentences
    if source == "builtin":
        return builtin("sentences")
    path = work.source.parent / source
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TrainError(f"{path}: cannot read: {error}") from None
    for number, line in enumerate(lines, 1):
        if not line.isascii():
            raise TrainError(f"{path}:{number}: the teacher reads ASCII only: {line!r}")
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise TrainError(f"{path}: has no sentences")
    return found


def features(work: Work) -> None:
    """Compute spectra, F0 and durations of all audio."""
    from voxstack_train.features.shards import SHARD, shard, shards_of

    lead = work.recipe.features.lead
    listing = work.features / "made.json"
    before = json.loads(listing.read_text("utf-8")) if listing.exists() else {}
    made = {}
    jobs = []
    for place, speaker in enumerate(work.recipe.speakers):
        source = Corpus(work.corpus / speaker)
        if not source.listing.exists():
            raise TrainError(f"{source.listing}: missing; run the stage 'corpus'")
        utterances = sorted(source, key=lambda u: u.id)
        if not utterances:
            raise TrainError(f"{source.listing}: lists no utterances; run the stage 'corpus'")
        made[speaker] = [place, lead, digest([[u.id, u.text] for u in utterances])]
        if before.get(speaker, made[speaker]) != made[speaker]:  # of another corpus or recipe
            work.say(f"features: {speaker}: the corpus or the recipe changed: computing them again")
            for path in shards_of(work.features, speaker):
                path.unlink()
        for number, at in enumerate(range(0, len(utterances), SHARD)):
            path = work.features / f"{speaker}-{number:03d}.safetensors"
            if not path.exists():
                jobs.append((source, utterances[at : at + SHARD], place, path))
    work.features.mkdir(exist_ok=True)
    if made != before:
        write_json(listing, made)
    if not jobs:
        return
    if not any(shards_of(work.features, speaker) for speaker in work.recipe.speakers):
        (work.folder / "features-notes.txt").unlink(missing_ok=True)
    with (
        work.bar("features", sum(len(utterances) for _, utterances, _, _ in jobs)) as bar,
        ProcessPoolExecutor(mp_context=get_context("spawn")) as pool,
    ):
        running = {
            pool.submit(shard, source, utterances, place, lead, path): len(utterances)
            for source, utterances, place, path in jobs
        }
        for future in as_completed(running):
            _report(work, "features", future.result(), "a")  # now: it may be killed later
            bar.advance(running[future])


def _report(work: Work, what: str, notes: Sequence[str], mode: Literal["w", "a"] = "w") -> None:
    """Print notes on utterances that are left out or questionable; write all of them to a file."""
    if not notes:
        return
    log = work.folder / f"{what.replace(': ', '-')}-notes.txt"
    with log.open(mode, encoding="utf-8") as file:
        file.writelines(f"{note}\n" for note in notes)
    for note in notes[:10]:
        work.say(f"{what}: {note}")
    if len(notes) > 10:
        work.say(f"{what}: and {len(notes) - 10} more, in {log}")
