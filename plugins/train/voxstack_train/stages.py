"""The stages of a recipe. Each goes on where it was stopped, and does nothing if it is done."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from attrs import evolve

from voxstack_train.corpus.sentences import NAMES, coverage
from voxstack_train.corpus.utterances import Corpus, summary
from voxstack_train.errors import TrainError
from voxstack_train.work import Work

if TYPE_CHECKING:
    import torch
    from torch import nn
    from voxstack import Voice

    from voxstack_train.evaluation.run import Report
    from voxstack_train.features.shards import Example
    from voxstack_train.recipe import AcousticRecipe, AddonRecipe, Learning, VocoderRecipe
    from voxstack_train.training.examples import Examples
    from voxstack_train.training.loop import Settings, Task

CHECKED = (60, 150, 400)  # frames, about, of the utterances that exports are checked on


def builtin(name: str) -> list[str]:
    """Give the lines of a text that is shipped: sentences, easy, hard or nasty."""
    text = files("voxstack_train").joinpath("data", f"{name}.txt").read_text("ascii")
    return text.splitlines()


# -- corpus and features ---------------------------------------------------------------------------


def corpus(work: Work) -> None:
    """Have the teachers read the sentences, and take in the recordings."""
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
        _write_json(work.folder / "coverage.json", report)
    for speaker in work.recipe.corpus.speakers:
        folder = work.corpus / speaker.name
        if speaker.recorded is not None:
            count = size_of(speaker.recorded, work.source.parent)
            with work.bar(f"corpus: {speaker.name}", count) as bar:
                taken = import_recorded(speaker.recorded, folder, bar.advance, work.source.parent)
            work.say(f"corpus: {speaker.name}: {taken.added} added, {taken.kept} were there")
            _tell(work, f"corpus: {speaker.name}", [*map(str, taken.left_out), *taken.questionable])
            continue
        wanted = {
            f"{i % len(texts):05d}": texts[i % len(texts)]
            for i in range(speaker.first, speaker.first + speaker.count)
        }
        with work.bar(f"corpus: {speaker.name}", len(wanted)) as bar:
            told = teach(speaker.name, wanted, folder, bar.advance)
        work.say(
            f"corpus: {speaker.name}: {told.added} said, {told.kept} were there,"
            f" {len(told.differ)} left out (the teacher says them otherwise than the frontend)"
        )
    _write_json(work.folder / "corpus.json", summary(work.corpus))


def sentences(work: Work) -> list[str]:
    """Give the recipe's sentences."""
    source = work.recipe.corpus.sentences
    if source == "builtin":
        return builtin("sentences")
    path = work.source.parent / source
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TrainError(f"{path}: cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        if not line.isascii():
            raise TrainError(f"{path}:{number}: the teacher reads ASCII only: {line!r}")
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise TrainError(f"{path}: has no sentences")
    return found


def features(work: Work) -> None:
    """Make spectra, F0 and durations of all audio."""
    from voxstack_train.features.shards import SHARD, shard, shards_of

    lead = work.recipe.features.lead
    told = work.features / "made.json"
    before = json.loads(told.read_text("utf-8")) if told.exists() else {}
    made = {}
    jobs = []
    for place, speaker in enumerate(work.recipe.speakers):
        source = Corpus(work.corpus / speaker)
        if not source.listing.exists():
            raise TrainError(f"{source.listing}: is missing; run the stage 'corpus'")
        utterances = sorted(source, key=lambda u: u.id)
        if not utterances:
            raise TrainError(f"{source.listing}: lists no utterance; run the stage 'corpus'")
        made[speaker] = [place, lead, _digest([[u.id, u.text] for u in utterances])]
        if before.get(speaker, made[speaker]) != made[speaker]:  # of another corpus, or recipe
            work.say(f"features: {speaker}: the corpus or the recipe is another: made again")
            for path in shards_of(work.features, speaker):
                path.unlink()
        for number, at in enumerate(range(0, len(utterances), SHARD)):
            path = work.features / f"{speaker}-{number:03d}.safetensors"
            if not path.exists():
                jobs.append((source, utterances[at : at + SHARD], place, path))
    work.features.mkdir(exist_ok=True)
    if made != before:
        _write_json(told, made)
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
            _tell(work, "features", future.result(), "a")  # now: it may be killed before the end
            bar.advance(running[future])


def _tell(work: Work, what: str, notes: Sequence[str], mode: Literal["w", "a"] = "w") -> None:
    """Tell of what was left out or is questionable; all of it goes into a file."""
    if not notes:
        return
    log = work.folder / f"{what.replace(': ', '-')}-notes.txt"
    with log.open(mode, encoding="utf-8") as file:
        file.writelines(f"{note}\n" for note in notes)
    for note in notes[:10]:
        work.say(f"{what}: {note}")
    if len(notes) > 10:
        work.say(f"{what}: and {len(notes) - 10} more, in {log}")


# -- learning --------------------------------------------------------------------------------------


def acoustic(work: Work) -> None:
    """Train the parallel acoustic model."""
    if work.recipe.acoustic is not None:
        _acoustic(work)


def _acoustic(work: Work) -> nn.Module:
    from voxstack_train.training.acoustic import Acoustic, AcousticTask

    return _over_utterances(work, "acoustic", work.recipe.acoustic, Acoustic, AcousticTask)


def attention(work: Work) -> None:
    """Train the legacy acoustic model."""
    if work.recipe.attention is not None:
        _attention(work)


def _attention(work: Work) -> nn.Module:
    from voxstack_train.training.attention import Attention, AttentionTask

    return _over_utterances(work, "attention", work.recipe.attention, Attention, AttentionTask)


def _over_utterances(
    work: Work,
    name: str,
    given: AcousticRecipe | None,
    network: Callable[[int, int], nn.Module],
    task: Callable[[nn.Module, Examples, int, Settings], Task],
) -> nn.Module:
    """Train an acoustic model on whole utterances."""
    recipe = _wanted(given, name)
    settings = _settings(work, recipe.learning)
    model = _seeded(work, lambda: network(len(NAMES), len(work.recipe.speakers)))
    return _learned(
        work,
        name,
        settings,
        model,
        lambda: task(model, _examples(work), recipe.batch_frames, settings),
        options={"batch_frames": recipe.batch_frames},
    )


def vocoder(work: Work) -> None:
    """Train the vocoders."""
    if work.recipe.vocoder is not None:
        _vocoder(work)
        if work.recipe.vocoder.adversarial is not None:
            _mel_vocoder(work)


def _vocoder(work: Work) -> nn.Module:
    from voxstack_train.networks.vocoder import Vocoder
    from voxstack_train.training.vocoder import VocoderTask

    recipe = _wanted(work.recipe.vocoder, "vocoder")
    settings = _settings(work, recipe.learning)
    model = _seeded(work, Vocoder)
    return _learned(
        work,
        "vocoder",
        settings,
        model,
        lambda: VocoderTask(
            model,
            _examples(work, recipe.speakers),
            settings,
            crop=recipe.crop,
            batch=recipe.batch,
            vary=recipe.vary,
        ),
        recipe.speakers,
        _crops(recipe),
    )


def _mel_vocoder(work: Work) -> tuple[nn.Module, nn.Module]:
    from voxstack_train.networks.pitch import MelPitch
    from voxstack_train.networks.vocoder import Vocoder
    from voxstack_train.training.vocoder import PitchTask, VocoderTask

    recipe = _wanted(work.recipe.vocoder, "vocoder")
    settings = _settings(work, _wanted(recipe.pitch, "vocoder.pitch"))
    reader = _seeded(work, MelPitch)
    pitch = _learned(
        work,
        "vocoder-pitch",
        settings,
        reader,
        lambda: PitchTask(reader, _examples(work, recipe.speakers), settings),
        recipe.speakers,
    )
    adversarial = _settings(work, _wanted(recipe.adversarial, "vocoder.adversarial"))
    model = Vocoder()
    model.load_state_dict(_vocoder(work).state_dict())
    made = _learned(
        work,
        "vocoder-mel",
        adversarial,
        model,
        lambda: VocoderTask(
            model,
            _examples(work, recipe.speakers),
            adversarial,
            crop=recipe.crop,
            batch=recipe.batch,
            vary=recipe.vary,
            pitch=pitch,
            adversarial=recipe.discriminators,
        ),
        recipe.speakers,
        {**_crops(recipe), "discriminators": recipe.discriminators},
    )
    return pitch.cpu(), made


def _crops(recipe: VocoderRecipe) -> dict[str, Any]:
    return {"crop": recipe.crop, "batch": recipe.batch, "vary": recipe.vary}


def _wanted(part: Any, name: str) -> Any:
    if part is None:
        raise TrainError(f"the recipe has no [{name}]")
    return part


def _settings(work: Work, learning: Learning) -> Settings:
    from voxstack_train.training.loop import Settings

    return Settings(
        steps=learning.steps,
        rate=learning.rate,
        seed=work.recipe.seed,
        warmup=learning.warmup,
        clip=learning.clip,
        every=learning.every,
        device=work.device,
        precision=work.recipe.precision,
    )


def _seeded(work: Work, make: Callable[[], nn.Module]) -> nn.Module:
    import torch

    torch.manual_seed(work.recipe.seed)
    return make()


def _examples(work: Work, speakers: tuple[str, ...] = ()) -> Examples:
    from voxstack_train.training.examples import Examples

    return Examples(work.features, speakers or work.recipe.speakers)


def _learned(
    work: Work,
    name: str,
    settings: Settings,
    model: nn.Module,
    task: Callable[[], Task],
    speakers: tuple[str, ...] = (),
    options: dict[str, Any] | None = None,
) -> nn.Module:
    """Train, or go on, or read what is trained already; and draw the losses."""
    from voxstack_train import pictures
    from voxstack_train.training.loop import finished, learn

    folder = work.folder / name
    identity: dict[str, Any] = {
        "stage": name,
        "features": _features_digest(work, speakers or work.recipe.speakers),
    }
    identity["options"] = options or {}
    plot, log = folder / "losses.png", folder / "losses.jsonl"
    if done := finished(folder, identity, settings, model):
        if not plot.exists() and log.exists():  # it was killed before they were drawn
            pictures.losses(plot, log)
        return done
    with work.bar(name, settings.steps) as bar:
        average = learn(task(), folder, identity, lambda step, _, losses: bar.at(step, losses))
    pictures.losses(plot, log)
    return average.cpu()  # what follows, and export, begins there


def _features_digest(work: Work, speakers: tuple[str, ...]) -> str:
    """Tell one set of features from another by the files' names and sizes, in order."""
    from voxstack_train.features.shards import shards_of

    listing = [
        (path.name, path.stat().st_size)
        for speaker in speakers
        for path in shards_of(work.features, speaker)
    ]
    return _digest(listing)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


# -- export and evaluation -------------------------------------------------------------------------


def export(work: Work) -> None:
    """Write the addons."""
    from voxstack_train.export.addons import write
    from voxstack_train.export.running import ExportError

    for addon in work.recipe.export:
        with work.console.status(f"export: {addon.name}"):
            draft = _draft(work, addon)
        folder = addon_folder(work, addon)
        size = write(draft, folder)
        if size > addon.largest:
            raise ExportError(f"{folder}: {size:,} bytes, more than {addon.largest:,}")
        work.say(f"export: {addon.name}: {size / 1e6:.1f} MB in {addon.folder}")


def _draft(work: Work, addon: AddonRecipe) -> Any:
    from voxstack_train.export.vocoders import vocoder_draft
    from voxstack_train.export.voices import attention_draft, parallel_draft

    examples = _examples(work)
    held = checked(examples)
    manifest = {
        "format": 1,
        "name": addon.name,
        "version": addon.version,
        "language": addon.language,
        "license": addon.license,
        "description": addon.description,
        "card": "CARD.md",
    }
    folder = addon_folder(work, addon)
    texts = {name: _text(folder / name) for name in ("CARD.md", "LICENSE")}
    if addon.kind in ("vocoder", "mel_vocoder"):
        pitch, model = (None, _vocoder(work)) if addon.kind == "vocoder" else _mel_vocoder(work)
        return vocoder_draft(model, pitch, held, manifest, texts)
    manifest["sample"] = "Hello, world."
    means = f0_means(examples)
    args = (work.recipe.speakers, addon.vocoder, held, manifest, texts)
    if addon.kind == "parallel":
        voice = _acoustic(work)
        voice.text_encoder.f0_means.copy_(means)
        draft = parallel_draft(voice, *args)
    else:
        voice = _attention(work)
        voice.encoder.f0_means.copy_(means)
        draft = attention_draft(voice, *args)
    if addon.vocoder != "own":
        return draft
    own = vocoder_draft(_vocoder(work), None, held, {}, {})
    return evolve(draft, networks=draft.networks | own.networks, graphs=draft.graphs | own.graphs)


def addon_folder(work: Work, addon: AddonRecipe) -> Path:
    """Give where an addon is written."""
    prefix, colon, below = addon.folder.partition("work:")
    if colon and not prefix:
        return work.folder / below
    return (work.source.parent / addon.folder).resolve()


def _text(path: Path) -> str:
    if path.exists():
        return path.read_text("utf-8")
    return f"# {path.parent.name}\n\n## Measured\n\n<!-- evaluation -->\n"


def checked(examples: Examples) -> list[Example]:
    """Choose held-out utterances of different lengths, to check exports on."""
    held = sorted(examples.held, key=lambda e: e.frames)
    return [min(held, key=lambda e: abs(e.frames - frames)) for frames in CHECKED]


def f0_means(examples: Examples) -> torch.Tensor:
    """Mean F0 of each speaker in Hz, over voiced frames, of the logarithm."""
    import torch

    means = []
    for place in range(len(examples.speakers)):
        logs = [np.log(e.f0[e.voiced > 0]) for e in examples.held if e.speaker == place]
        joined = np.concatenate([*logs, np.zeros(0)])
        means.append(math.exp(float(joined.mean())) if len(joined) else 150.0)
    return torch.tensor(means)


def evaluate(work: Work) -> None:
    """Measure the addons that were written, and put the figures into their cards."""
    if work.recipe.evaluate is None:
        return
    from voxstack import Host

    from voxstack_train.evaluation.errors import require_packages
    from voxstack_train.evaluation.scoring import VOICE
    from voxstack_train.evaluation.table import markdown
    from voxstack_train.export.addons import fill_card

    require_packages(pictures=True)
    folder = work.folder / "evaluation"
    folder.mkdir(exist_ok=True)
    carrier = next((a for a in work.recipe.export if a.kind == "parallel"), None)
    for addon in work.recipe.export:
        done = folder / f"{addon.name}.json"
        speaks = addon.kind in ("parallel", "attention")
        if not speaks and (carrier is None or carrier.vocoder == "own"):
            continue  # no voice to hear it with
        spoken = addon if speaks else carrier
        of = _measured_of(work, addon, spoken)
        if done.exists() and json.loads(done.read_text("utf-8")).get("of", of) == of:
            continue
        edits = {} if speaks else {"/stack/1": vocoder_stack(addon)}
        with Host() as host:
            voice = host.voice(str(addon_folder(work, spoken)), edits=edits)
            report = _measured(work, voice, addon.name, folder)
        table = [row for row in report.table if speaks or row["system"] != VOICE]
        fill_card(addon_folder(work, addon), markdown(table, report.notes))
        _write_json(
            done, report.as_json() | {"of": of}
        )  # last: it says that the card is filled too


def _measured_of(work: Work, *addons: AddonRecipe) -> str:
    """Tell what is measured from what was: the networks of addons, and the sentences."""
    seen: list[Any] = [work.recipe.evaluate.sentences, work.recipe.evaluate.sets]
    for addon in addons:
        path = addon_folder(work, addon) / "addon.json"
        if not path.exists():
            raise TrainError(f"{path}: is missing; run the stage 'export'")
        written = json.loads(path.read_text("utf-8"))["files"]
        seen.append({name: written[name] for name in written if name.startswith("networks/")})
    return _digest(seen)


def _measured(work: Work, voice: Voice, name: str, folder: Path) -> Report:
    from voxstack_train.evaluation.run import Wanted
    from voxstack_train.evaluation.run import evaluate as run

    wanted = Wanted(
        work.recipe.evaluate.sets, work.recipe.evaluate.sentences, pictures=folder / name
    )
    with work.bar(f"evaluate: {name}", 1) as bar:
        return run(voice, wanted, bar)


def vocoder_stack(addon: AddonRecipe) -> dict[str, Any]:
    """Give the blocks with which a voice uses a vocoder addon, in the place of its own vocoder."""
    vocoder = {"type": "Vocoder", "network": f"{addon.name}:vocoder"}
    if addon.kind == "vocoder":
        return vocoder
    pitch = {"type": "Prosody", "network": f"{addon.name}:pitch"}
    return {"type": "StreamableStack", "stack": [pitch, {"type": "Phase"}, vocoder]}


def _write_json(path: Path, value: Any) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
    partial.replace(path)


RUN: dict[str, Callable[[Work], None]] = {
    "corpus": corpus,
    "features": features,
    "acoustic": acoustic,
    "vocoder": vocoder,
    "attention": attention,
    "export": export,
    "evaluate": evaluate,
}
