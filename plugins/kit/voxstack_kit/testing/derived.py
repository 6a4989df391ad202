"""Suites for components without their own: the fixtures are derived.

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
    KINDS,
    MissingTensorError,
    Registration,
    install_one,
    listed,
    needed_options,
    unavailable,
)

from voxstack_kit.describing.wrapping import wraps
from voxstack_kit.testing.addon import AddonSuite
from voxstack_kit.testing.encoder import encoders_of, sentence
from voxstack_kit.testing.executor import ExecutorSuite
from voxstack_kit.testing.format import FormatSuite
from voxstack_kit.testing.frontend import FrontendSuite
from voxstack_kit.testing.others import CommandSuite, HooksSuite, OptionSuite
from voxstack_kit.testing.sequence import SequenceBlockSuite
from voxstack_kit.testing.streamable import StreamableBlockSuite
from voxstack_kit.testing.texts import TEXTS
from voxstack_kit.testing.voices import InVoice, blocks_of, in_voice

AUDIO = AudioFormat(16000, 200)
OWN_SUITE = (
    "write a suite whose fixtures give it what it needs in a module of the package, and name that "
    'module in pyproject.toml: [project.entry-points."voxstack.conformance"]'
)
MOST_LISTED = 4  # places that a component cannot take

current: type  # the suite to run: pytest collects it from a module


class NotCoveredError(Exception):
    """No fixture fits a component; ``next_step`` advises what to provide."""

    def __init__(self, message: str, next_step: str = OWN_SUITE) -> None:
        super().__init__(message)
        self.next_step = next_step


class BadComponentError(Exception):
    """A component cannot be made, or fails in its voice."""


def class_of(host: Host, registration: Registration) -> str:
    """Return "module:Class" of a registration's target; BadComponentError if it is unusable."""
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
    """Return the suite of a registration; NotCoveredError if no fixture fits it."""
    if registration.kind in ("module", "observer"):
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
    if registration.kind == "options":
        return _with(
            OptionSuite,
            option=lambda: loaded,
            name=lambda: registration.name,
            target=lambda: registration.target,
        )
    if registration.kind == "formats":
        return _with(FormatSuite, format=lambda: loaded(), target=lambda: registration.target)
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
    """Return a suite whose fixtures return what functions return."""

    def made(make: Any) -> Any:
        @pytest.fixture
        def fixture(self: Any) -> Any:
            return make()

        return fixture

    return type("TestComponent", (base,), {name: made(make) for name, make in fixtures.items()})


def full_name(registration: Registration) -> str:
    """Return the name that is unique to a registration."""
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
    """Return an executor for another to wrap: one that can run here, dynamic before static."""
    found = []
    for name in host.registry.names("executor"):
        try:
            executor = host.executor(name)
        except VoxstackError:
            continue
        if unavailable(executor) is None:
            found.append((bool(executor.static), name))
    if not found:
        raise NotCoveredError(
            "no executor that it could wrap can run here", install_one("executor")
        )
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
    if needed := needed_options(registration):
        raise NotCoveredError(_needs(needed), OWN_SUITE)
    try:
        return cls(**registration.options), TEXTS
    except Exception as error:
        reasons.append(f"alone: {error}")
    raise NotCoveredError(
        f"no installed voice names it, and none can use it ({'; '.join(reasons)})",
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
    """A place for a block: a voice, the edits that put it there, and its pointer."""

    voice: str
    pointer: str
    edits: dict[str, Any]


def _block(host: Host, registration: Registration, cls: Any) -> InVoice:
    voices = list(_voices(host))
    for voice in voices:
        for pointer, block in blocks_of(voice):
            if type(block) is cls:
                return _at_place(host, _Place(voice.name, pointer, {}))
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
                return _at_place(host, place)
            except (MissingTensorError, NetworkError) as error:
                reasons.append(f"in {place.voice!r} at {place.pointer}: {error}")
            except VoxstackError as error:
                failures.append(f"in {place.voice!r} at {place.pointer}, it fails: {error}")
    if failures:
        raise BadComponentError(failures[0])
    if needed := needed_options(registration):
        raise NotCoveredError(_needs(needed), OWN_SUITE)
    if issubclass(cls, SequenceBlock) and (found := _on_toy_encoder(registration, cls)):
        return found
    if not voices:
        raise NotCoveredError("it needs a voice, and none is installed", install_one("addon"))
    listing = list(dict.fromkeys(reasons))
    if more := len(listing) - MOST_LISTED if len(listing) > MOST_LISTED + 1 else 0:
        listing[MOST_LISTED:] = [f"and at {more} more places"]
    raise NotCoveredError(
        "\n".join(["it is in no installed voice, and fits in none", *listing]),
        "install a voice that it is made for, or " + OWN_SUITE,
    )


def _alone(registration: Registration, cls: Any, **given: Any) -> Any:
    """Return a block with its default options and those ``given``, or None."""
    options = {**registration.options, **given}
    try:
        for option in attrs.fields(attrs.resolve_types(cls)):
            if option.type is AudioFormat:
                options[option.name] = AUDIO
        return cls(**options)
    except Exception:
        return None


def _on_toy_encoder(registration: Registration, cls: Any) -> InVoice | None:
    """Return a block that runs encoders with a toy encoder, if that is enough for it."""
    networks = encoders_of(cls)
    block = _alone(registration, cls, **networks) if networks else None
    if block is None:
        return None
    try:
        block(sentence())
    except VoxstackError:
        return None  # it needs what the encoders of some voices produce
    except Exception:
        pass  # the checks report it
    return InVoice(block, sentence(), None)


def _needs(options: Sequence[str]) -> str:
    plural = "s" if len(options) > 1 else ""
    return (
        f"it needs the option{plural} {listed(options)}, for which neither a default nor an "
        f"installed voice has {'values' if plural else 'a value'}"
    )


def _at_place(host: Host, place: _Place) -> InVoice:
    return in_voice(place.voice, place.pointer, edits=place.edits, host=host)


def _places(host: Host, voice: Voice, registration: Registration, cls: Any) -> Iterator[_Place]:
    """Yield the places of a voice that a component could take, those of its kind first."""
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
    """Yield the installed voices that can be built, not loaded."""
    for name in host.voices():
        try:
            yield host.voice(name, load=False)
        except VoxstackError:
            continue  # its own suite reports what is wrong


def _reasons(error: VoxstackError) -> str:
    problems = error.problems if isinstance(error, ConfigError) else ()
    listing = [f"{p.message} ({p.suggestion})" if p.suggestion else p.message for p in problems]
    return "; ".join(itertools.islice(listing, 3)) or str(error)
