"""Recipes: what to train, and from which data, in TOML."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Literal, final

from attrs import field, frozen
from voxstack.inspection import read_toml, structured

from voxstack_train.corpus.flite import VOICES
from voxstack_train.corpus.recorded import Recorded

NAME = re.compile(r"[\w-]+(\.[\w-]+)*")  # also valid as a file or folder name


def _above(least: float, **options: float) -> None:
    for name, value in options.items():
        if not least <= value < math.inf:
            raise ValueError(f"{name} must be {least} or more, not {value}")


def _positive(**options: float) -> None:
    for name, value in options.items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must be above 0, not {value}")


def _named(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"the name {name!r} must be letters, digits, '_', '-' and inner dots")


@final
@frozen
class Speaker:
    """The options of a speaker: a teacher's voice, or recordings."""

    name: str
    teacher: Literal["flite"] | None = None  # the system that reads the sentences
    first: int = 0  # index of the first sentence; the list repeats after its end
    count: int = 1000  # sentences
    recorded: Recorded | None = None  # the recordings, instead of a teacher

    def __attrs_post_init__(self) -> None:
        _named(self.name)
        _above(0, first=self.first)
        _above(1, count=self.count)
        if (self.teacher is None) == (self.recorded is None):
            raise ValueError(f"speaker {self.name!r}: expected either teacher or recorded")
        if self.teacher and self.name not in VOICES:
            raise ValueError(f"flite has no voice {self.name!r}; it has {', '.join(VOICES)}")


@final
@frozen
class CorpusRecipe:
    """The options of the corpus: the speakers and their sentences."""

    speakers: tuple[Speaker, ...]
    sentences: str = "builtin"  # a text file, one sentence per line, or the included one


@final
@frozen
class FeaturesRecipe:
    """The options of the features."""

    lead: float = 0.05  # seconds of silence kept before the first word

    def __attrs_post_init__(self) -> None:
        _above(0, lead=self.lead)


@final
@frozen
class Learning:
    """The duration and the rate of training of a network."""

    steps: int
    rate: float
    warmup: int = 150  # steps
    clip: float = 1.0  # the largest norm of a gradient
    every: int = 250  # steps between validations and checkpoints

    def __attrs_post_init__(self) -> None:
        _above(1, steps=self.steps, warmup=self.warmup, every=self.every)
        _positive(rate=self.rate, clip=self.clip)


@final
@frozen
class AcousticRecipe:
    """The options of an acoustic model: the parallel one, or the legacy one with attention."""

    learning: Learning
    batch_frames: int = 3200

    def __attrs_post_init__(self) -> None:
        _above(1, batch_frames=self.batch_frames)


@final
@frozen
class VocoderRecipe:
    """The options of the vocoders: spectral distances first, then adversarial for mel input."""

    learning: Learning
    speakers: tuple[str, ...]  # hold some out to test the vocoder on unknown voices
    pitch: Learning | None = None  # the network that reads F0 from the mel spectrum
    adversarial: Learning | None = None  # the mel-only vocoder, initialized from the other
    crop: int = 64  # frames
    batch: int = 16
    vary: float = 0.25  # the largest change of speed, and thereby of vocal size
    discriminators: float = 0.3  # weight of the adversarial losses

    def __attrs_post_init__(self) -> None:
        if not self.speakers or len(set(self.speakers)) < len(self.speakers):
            raise ValueError("the vocoder needs speakers, each listed once")
        _above(8, crop=self.crop)  # its edges are not compared
        _above(1, batch=self.batch)
        _above(0, vary=self.vary)
        _positive(discriminators=self.discriminators)


@final
@frozen
class AddonRecipe:
    """The options of an addon to write."""

    kind: Literal["parallel", "attention", "vocoder", "mel_vocoder"]
    folder: str  # relative to the recipe; "work:FOLDER" is relative to the work folder
    name: str
    version: str
    description: str
    license: str = "Apache-2.0 AND MIT-Festival"
    author: str = ""  # a person or an organization
    datasets: tuple[str, ...] = ()  # the training data
    language: str = "en-US"
    vocoder: str = ""  # of a voice: "ADDON:NETWORK", or "own" for one in the addon itself
    formats: tuple[Literal["onnx", "pt2"], ...] = ("onnx",)  # of its networks
    largest: int = 25_000_000  # bytes


@final
@frozen
class EvaluateRecipe:
    """The options of the evaluation."""

    sentences: int = 100  # of each held-out set
    sets: tuple[Literal["easy", "hard", "nasty"], ...] = ("easy", "hard", "nasty")

    def __attrs_post_init__(self) -> None:
        _above(1, sentences=self.sentences)


@final
@frozen
class Recipe:
    """The options of a training run."""

    name: str
    corpus: CorpusRecipe
    features: FeaturesRecipe = field(factory=FeaturesRecipe)
    acoustic: AcousticRecipe | None = None
    vocoder: VocoderRecipe | None = None
    attention: AcousticRecipe | None = None
    export: tuple[AddonRecipe, ...] = ()
    evaluate: EvaluateRecipe | None = None
    seed: int = 0
    precision: Literal["float32", "bfloat16"] = "bfloat16"  # full, or mixed precision

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the speakers, in the order of their ids."""
        return tuple(speaker.name for speaker in self.corpus.speakers)

    def __attrs_post_init__(self) -> None:
        names = self.speakers
        _named(self.name)
        _above(0, seed=self.seed)
        if not names:
            raise ValueError("the corpus has no speakers")
        if len(set(names)) < len(names):
            raise ValueError(f"duplicate speaker in {', '.join(names)}")
        if self.vocoder:
            strange = [name for name in self.vocoder.speakers if name not in names]
            if strange:
                raise ValueError(f"the vocoder's speaker {strange[0]!r} is not in the corpus")
            if self.vocoder.adversarial and not self.vocoder.pitch:
                raise ValueError("the mel-only vocoder needs [vocoder.pitch] too")
        needs = {"parallel": self.acoustic, "attention": self.attention, "vocoder": self.vocoder}
        needs["mel_vocoder"] = self.vocoder.adversarial if self.vocoder else None
        for option in ("name", "folder"):
            given = [getattr(addon, option) for addon in self.export]
            if len(set(given)) < len(given):
                raise ValueError(f"two addons of [[export]] have the same {option}")
        for addon in self.export:
            if needs[addon.kind] is None:
                raise ValueError(
                    f"the addon {addon.name!r} has the kind {addon.kind!r}, which this recipe does"
                    " not train"
                )
            speaks = addon.kind in ("parallel", "attention")
            if speaks and addon.vocoder != "own" and ":" not in addon.vocoder:
                raise ValueError(
                    f'the voice {addon.name!r} needs a vocoder: "ADDON:NETWORK", or "own"'
                )
            if addon.vocoder == "own" and self.vocoder is None:
                raise ValueError(f"the voice {addon.name!r} needs [vocoder] for its own vocoder")


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; InputError, or ConfigError with all of its problems."""
    recipe: Recipe = structured(read_toml(path), Recipe)
    return recipe
