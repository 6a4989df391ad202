"""Suites for components that have none of their own: the fixtures are derived.

From default options where these will do; else from an installed voice in whose stack the component
stands, or takes the place of another; blocks that run encoders from a toy encoder at last.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest
from attrs import frozen
from voxstack import (
    AudioFormat,
    ConfigError,
    Host,
    NetworkError,
    SequenceBlock,
    Tensors,
    Voice,
    VoxstackError,
)
from voxstack.inspection import (
    INSTALL_A_VOICE,
    INSTALL_AN_EXECUTOR,
    KINDS,
    MissingTensorError,
    Registration,
    listed,
    needed_options,
    unavailable,
    wraps,
)

from voxstack_kit.testing.addon import AddonSuite
from voxstack_kit.testing.encoder import encoders_of, sentence
from voxstack_kit.testing.executor import ExecutorSuite
from voxstack_kit.testing.frontend import FrontendSuite
from voxstack_kit.testing.others import CommandSuite, HooksSuite
from voxstack_kit.testing.sequence import SequenceBlockSuite
from voxstack_kit.testing.streamable import StreamableBlockSuite
from voxstack_kit.testing.texts import TEXTS
from voxstack_kit.testing.voices import InVoice, blocks_of, in_voice

AUDIO = AudioFormat(16000, 200)
OWN_SUITE = (
    "write a suite whose fixtures give it what it needs in a module of the package, and name that "
    'module in pyproject.toml: [project.entry-points."voxstack.conformance"]'
)
MOST_TOLD = 4  # places that a component cannot take

current: type  # the suite that pytest is to run: it stands in a module, as pytest wants it


class NotCoveredError(Exception):
    """No fixture fits a component; ``next_step`` says what to give."""

    def __init__(self, message: str, next_step: str = OWN_SUITE) -> None:
        super().__init__(message)
        self.next_step = next_step


class BadComponentError(Exception):
    """A component cannot even be made, or fails where it stands."""


def class_of(host: Host, registration: Registration) -> str:
    """Give "module:Class" of what a registration names; BadComponentError if it cannot be used."""
    if registration.kind not in KINDS or registration.kind == "addons":
        return ""
    loaded = _loaded(host, registration)
    return f"{loaded.__module__}:{loaded.__qualname__}" if isinstance(loaded, type) else ""


def _loaded(host: Host, registration: Registration) -> Any:
    try:
        name, namespace = full_name(registration), KINDS[registration.kind].namespace
        return host.registry.load(host.registry.find(name, namespace))
    except VoxstackError as error:
        raise BadComponentError(str(error)) from None


def suite(host: Host, registration: Registration) -> type:
    """Make the suite of a registration; NotCoveredError if no fixture fits it."""
    if registration.kind in ("module", "listener"):
        return _with(HooksSuite, registration=lambda: registration, installed=lambda: host.registry)
    if registration.kind == "addons":
        try:
            host.addon(full_name(registration))
        except VoxstackError as error:
            raise BadComponentError(str(error)) from None
        return _with(AddonSuite, addon=lambda: full_name(registration))
    loaded = _loaded(host, registration)
    if registration.kind == "commands":
        return _with(CommandSuite, command=lambda: loaded, target=lambda: registration.target)
    if registration.kind == "executors":
        executor = _executor(host, registration, loaded)
        return _with(ExecutorSuite, executor=lambda: executor)
    if registration.kind == "frontends":
        frontend, texts = _frontend(host, registration, loaded)
        return _with(FrontendSuite, frontend=lambda: frontend, texts=lambda: texts)
    found = _block(host, registration, loaded)
    if issubclass(loaded, SequenceBlock):
        return _with(SequenceBlockSuite, block=lambda: found.block, sequence=lambda: found.sequence)
    return _with(
        StreamableBlockSuite,
        block=lambda: found.block,
        **({} if found.frames == {} else {"frames": lambda: found.frames}),
        **({"sequence": lambda: found.sequence} if found.sequence else {}),
    )


def _with(base: type, **fixtures: Any) -> type:
    """Give a suite whose fixtures are what functions give."""

    def made(give: Any) -> Any:
        @pytest.fixture
        def fixture(self: Any) -> Any:
            return give()

        return fixture

    return type("TestComponent", (base,), {name: made(give) for name, give in fixtures.items()})


def full_name(registration: Registration) -> str:
    """Give the name that nobody else has."""
    return f"{registration.name}@{registration.distribution}"


# Executors and frontends ------------------------------------------------------------------------


def _executor(host: Host, registration: Registration, cls: Any) -> Any:
    config: dict[str, Any] = {"type": full_name(registration)}
    if wraps(cls):
        config["executor"] = _able(host)
    try:
        return host.executor(config)
    except ConfigError as error:
        raise NotCoveredError(f"it needs options: {_reasons(error)}") from None


def _able(host: Host) -> str:
    """Name an executor for another to wrap: one that can run here, dynamic before static."""
    found = []
    for name in host.registry.names("executor"):
        try:
            executor = host.executor(name)
        except VoxstackError:
            continue
        if unavailable(executor) is None:
            found.append((bool(executor.static), name))
    if not found:
        raise NotCoveredError("no executor that it could wrap can run here", INSTALL_AN_EXECUTOR)
    return min(found)[-1]


def _frontend(host: Host, registration: Registration, cls: Any) -> tuple[Any, Sequence[str]]:
    reasons = []
    for voice in _voices(host):
        named = voice.addon.manifest.frontend.get("type", "").partition("@")[0]
        if named == registration.name and type(voice.built.frontend) is cls:
            return voice.built.frontend, _texts(voice)
    for voice in _voices(host):
        edit = {"/frontend": {"type": full_name(registration)}}
        try:
            frontend = host.voice(voice.name, edits=edit, load=False).built.frontend
            texts = _texts(voice)
            for text in texts:
                list(frontend.sentences([text]))
        except Exception as error:
            reasons.append(f"in {voice.name!r}: {error}")
            continue
        return frontend, texts
    if needed := needed_options(attrs.resolve_types(cls), registration):
        raise NotCoveredError(_needs(needed), OWN_SUITE)
    try:
        return cls(**registration.options), TEXTS
    except Exception as error:
        reasons.append(f"alone: {error}")
    raise NotCoveredError(
        f"no installed voice names it, and it can stand in none ({'; '.join(reasons)})",
        "install a voice that it is made for, or " + OWN_SUITE,
    )


def _texts(voice: Voice) -> Sequence[str]:
    manifest = voice.addon.manifest
    if manifest.language.lower().startswith("en") or not manifest.sample:
        return TEXTS
    return (f"{manifest.sample} {manifest.sample}",)


# Blocks -----------------------------------------------------------------------------------------


@frozen
class _Place:
    """Where a block could stand: a voice, the edits that put it there, and its pointer then."""

    voice: str
    pointer: str
    edits: dict[str, Any]


def _block(host: Host, registration: Registration, cls: Any) -> InVoice:
    voices = list(_voices(host))
    for voice in voices:
        for pointer, block in blocks_of(voice):
            if type(block) is cls:
                return _standing(host, _Place(voice.name, pointer, {}))
    if registration.kind == "effects" and (alone := _alone(registration, cls)) is not None:
        return InVoice(alone, Tensors(), {})
    reasons, failures = [], []
    for voice in voices:
        for place in _places(host, voice, registration, cls):
            try:
                host.voice(place.voice, edits=place.edits, load=False)
            except VoxstackError as error:
                reasons.append(f"in {place.voice!r} at {place.pointer}: {_reasons(error)}")
                continue
            try:
                return _standing(host, place)
            except (MissingTensorError, NetworkError) as error:
                reasons.append(f"in {place.voice!r} at {place.pointer}: {error}")
            except VoxstackError as error:
                failures.append(f"put into {place.voice!r} at {place.pointer}, it fails: {error}")
    if failures:
        raise BadComponentError(failures[0])
    if needed := needed_options(attrs.resolve_types(cls), registration):
        raise NotCoveredError(_needs(needed), OWN_SUITE)
    if issubclass(cls, SequenceBlock) and (found := _on_toy_encoder(registration, cls)):
        return found
    if not voices:
        raise NotCoveredError("it stands in a voice, and none is installed", INSTALL_A_VOICE)
    told = list(dict.fromkeys(reasons))
    if more := len(told) - MOST_TOLD if len(told) > MOST_TOLD + 1 else 0:
        told[MOST_TOLD:] = [f"and at {more} more places"]
    raise NotCoveredError(
        "\n".join(["it stands in no installed voice, and can take no place in one", *told]),
        "install a voice that it is made for, or " + OWN_SUITE,
    )


def _alone(registration: Registration, cls: Any, **given: Any) -> Any:
    """Make a block from its default options and those ``given``, or None."""
    options = {**registration.options, **given}
    try:
        for option in attrs.fields(attrs.resolve_types(cls)):
            if option.type is AudioFormat:
                options[option.name] = AUDIO
        return cls(**options)
    except Exception:
        return None


def _on_toy_encoder(registration: Registration, cls: Any) -> InVoice | None:
    """Make a block that runs encoders with a toy of one, where it can do with what that makes."""
    networks = encoders_of(cls)
    block = _alone(registration, cls, **networks) if networks else None
    if block is None:
        return None
    try:
        block(sentence())
    except VoxstackError:
        return None  # it wants what the encoders of some voices make
    except Exception:
        pass  # the checks tell of it
    return InVoice(block, sentence(), None)


def _needs(options: Sequence[str]) -> str:
    plural = "s" if len(options) > 1 else ""
    return (
        f"it needs the option{plural} {listed(options)}, and no default and no installed voice "
        f"gives {'them' if plural else 'it'}"
    )


def _standing(host: Host, place: _Place) -> InVoice:
    return in_voice(place.voice, place.pointer, edits=place.edits, host=host)


def _places(host: Host, voice: Voice, registration: Registration, cls: Any) -> Iterator[_Place]:
    """Give the places of a voice that a component could take, those of its kind first."""
    config = {"type": full_name(registration)}
    blocks = list(blocks_of(voice))
    if issubclass(cls, SequenceBlock):
        for pointer, block in blocks:
            if isinstance(block, SequenceBlock):
                yield _Place(voice.name, pointer, {f"{pointer}/type": config["type"]})
        return
    kinds = {r.loaded: r.kind for r in host.registry.registrations if r.loaded is not None}
    for pointer, block in blocks:
        if kinds.get(type(block)) == registration.kind and not isinstance(block, SequenceBlock):
            yield _Place(voice.name, pointer, {pointer: config})
            yield _Place(voice.name, pointer, {f"{pointer}/type": config["type"]})
    rows = [p for p, _ in blocks if p.rpartition("/")[2].isdigit()]
    counts: dict[str, int] = {}
    for pointer in rows:
        row = pointer.rpartition("/")[0]
        counts[row] = counts.get(row, 0) + 1
    for row, count in sorted(counts.items()):
        yield _Place(voice.name, f"{row}/{count}", {f"{row}/-": config})


def _voices(host: Host) -> Iterator[Voice]:
    """Give the installed voices that can be built; nothing of them is loaded."""
    for name in host.voices():
        try:
            yield host.voice(name, load=False)
        except VoxstackError:
            continue  # its own suite tells what is wrong with it


def _reasons(error: VoxstackError) -> str:
    problems = error.problems if isinstance(error, ConfigError) else ()
    told = [f"{p.message} ({p.suggestion})" if p.suggestion else p.message for p in problems]
    return "; ".join(itertools.islice(told, 3)) or str(error)
