"""The stages that train networks: the acoustic models and the vocoders."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from voxstack_train.corpus.sentences import NAMES
from voxstack_train.errors import TrainError
from voxstack_train.stages.common import digest
from voxstack_train.work import Work

if TYPE_CHECKING:
    from torch import nn

    from voxstack_train.recipe import AcousticRecipe, Learning, VocoderRecipe
    from voxstack_train.training.examples import Examples
    from voxstack_train.training.loop import Settings, Task


def acoustic(work: Work) -> None:
    """Train the parallel acoustic model."""
    if work.recipe.acoustic is not None:
        trained_acoustic(work)


def trained_acoustic(work: Work) -> nn.Module:
    """Return the parallel acoustic model, training it if necessary."""
    from voxstack_train.training.acoustic import Acoustic, AcousticTask

    return _over_utterances(work, "acoustic", work.recipe.acoustic, Acoustic, AcousticTask)


def attention(work: Work) -> None:
    """Train the legacy acoustic model."""
    if work.recipe.attention is not None:
        trained_attention(work)


def trained_attention(work: Work) -> nn.Module:
    """Return the legacy acoustic model, training it if necessary."""
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
        lambda: task(model, examples_of(work), recipe.batch_frames, settings),
        options={"batch_frames": recipe.batch_frames},
    )


def vocoder(work: Work) -> None:
    """Train the vocoders."""
    if work.recipe.vocoder is not None:
        trained_vocoder(work)
        if work.recipe.vocoder.adversarial is not None:
            trained_mel_vocoder(work)


def trained_vocoder(work: Work) -> nn.Module:
    """Return the source-filter vocoder, training it if necessary."""
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
            examples_of(work, recipe.speakers),
            settings,
            crop=recipe.crop,
            batch=recipe.batch,
            vary=recipe.vary,
        ),
        recipe.speakers,
        _crops(recipe),
    )


def trained_mel_vocoder(work: Work) -> tuple[nn.Module, nn.Module]:
    """Return the network that reads F0 from the mel spectrum, and the vocoder that uses it."""
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
        lambda: PitchTask(reader, examples_of(work, recipe.speakers), settings),
        recipe.speakers,
    )
    adversarial = _settings(work, _wanted(recipe.adversarial, "vocoder.adversarial"))
    model = Vocoder()
    model.load_state_dict(trained_vocoder(work).state_dict())
    made = _learned(
        work,
        "vocoder-mel",
        adversarial,
        model,
        lambda: VocoderTask(
            model,
            examples_of(work, recipe.speakers),
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


def examples_of(work: Work, speakers: tuple[str, ...] = ()) -> Examples:
    """Read the features of the speakers, all of them by default."""
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
    """Train, resume, or read a trained network; and draw its losses."""
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
    return average.cpu()  # later training and exports start from there


def _features_digest(work: Work, speakers: tuple[str, ...]) -> str:
    """Return a digest of features: the names and sizes of the files, in order."""
    from voxstack_train.features.shards import shards_of

    listing = [
        (path.name, path.stat().st_size)
        for speaker in speakers
        for path in shards_of(work.features, speaker)
    ]
    return digest(listing)
