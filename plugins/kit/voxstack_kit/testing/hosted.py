"""A component written as a configuration, and built by the host in a voice of its own."""

from __future__ import annotations

import enum
import hashlib
import json
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import attrs
from attrs import frozen
from voxstack import (
    AudioFormat,
    Buckets,
    Chunk,
    Component,
    Executor,
    Frontend,
    Host,
    Network,
    Program,
    Schedule,
    Sentence,
    SequenceBlock,
    StreamableBlock,
    Symbols,
    Tensors,
    hookimpl,
)
from voxstack.inspection import KINDS, Block, options_of

PROVIDED = (AudioFormat, Symbols)  # by the host, never by a configuration


@final
@frozen
class Built:
    """A component as the host made it from a configuration."""

    component: Any
    place: str  # its JSON pointer


@final
class Described:
    """A component written as a configuration, with all that it refers to."""

    def __init__(self, component: Any) -> None:
        self.classes: dict[type, str] = {}  # component class -> the name it goes by here
        self.networks: dict[str, Network] = {}
        self.audio = AudioFormat(16000, 200)
        self.symbols: Mapping[str, Mapping[str, int]] = {}
        self.namespace = (
            "executors"
            if isinstance(component, Executor)
            else "frontends"
            if isinstance(component, Frontend)
            else "blocks"
        )
        self.cls = type(component)
        self.configuration: dict[str, Any] = self._plain(component)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Block | Frontend | Executor):
            return {"type": self._name(type(value)), **self._options(value)}
        if isinstance(value, Program):
            return self._network(value.network)
        if isinstance(value, Network):
            return self._network(value)
        if isinstance(value, Schedule):
            return list(value.sizes)
        if isinstance(value, Buckets):
            return {name: list(sizes) for name, sizes in value.sizes}
        if isinstance(value, enum.Enum):
            return value.value
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, Mapping):
            return {str(key): self._plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._plain(item) for item in value]
        if attrs.has(type(value)):
            return self._options(value)
        return value

    def _options(self, value: Any) -> dict[str, Any]:
        options = {}
        for option in options_of(value):
            held = getattr(value, option.name)
            if isinstance(held, AudioFormat):
                self.audio = held
            elif isinstance(held, Symbols):
                self.symbols = held.tables
            elif option.init and not (isinstance(held, Schedule) and not held):
                options[option.name] = self._plain(held)
        return options

    def _name(self, cls: type) -> str:
        return self.classes.setdefault(cls, f"{cls.__name__} under test {len(self.classes)}")

    def _network(self, network: Network) -> str:
        name = network.name
        while self.networks.get(name, network) is not network:
            name += "_"  # of another addon
        self.networks[name] = network
        return name


@contextmanager
def hosted(described: Described) -> Iterator[_Home]:
    """Return a host in which the component, and those within it, have names."""
    module = types.ModuleType(f"voxstack_under_test_{id(described)}")
    classes = {**described.classes, _Nothing: "Nothing under test", _Mute: "Mute under test"}
    kinds: dict[str, list[Component]] = {}
    for number, (cls, name) in enumerate(classes.items()):
        setattr(module, f"c{number}", cls)
        kind = (
            "executors"
            if issubclass(cls, Executor)
            else "frontends"
            if issubclass(cls, Frontend)
            else "blocks"
        )
        kinds.setdefault(kind, []).append(Component(name, f"{module.__name__}:c{number}"))
    hooks = {KINDS[kind].hook: _hook(KINDS[kind].hook, found) for kind, found in kinds.items()}
    sys.modules[module.__name__] = module
    try:
        plugin = type("UnderTest", (), hooks)()
        formats = tuple({f for n in described.networks.values() for f in n.files} or {"none"})
        with (
            TemporaryDirectory(prefix="voxstack-") as folder,
            Host(plugins=[plugin], executor=_Any(formats)) as host,
        ):
            yield _Home(host, described, Path(folder))
    finally:
        del sys.modules[module.__name__]


@final
class _Home:
    """A host with the component under test, and a folder for the voice that holds it."""

    def __init__(self, host: Host, described: Described, folder: Path) -> None:
        self._host, self._described, self._folder = host, described, folder

    @property
    def place(self) -> str:
        """The JSON pointer of the component in the voice; executors are not in one."""
        cls = self._described.cls
        if self._described.namespace == "executors":
            return ""
        if self._described.namespace == "frontends":
            return "/frontend"
        return "/stack/0/sequence_block" if issubclass(cls, SequenceBlock) else "/stack/0"

    def build(self, configuration: Mapping[str, Any]) -> Any:
        """Return the component that the host makes of a configuration; ConfigError if wrong."""
        if self._described.namespace == "executors":
            return self._host.executor(dict(configuration))
        self._write(configuration)
        voice = self._host.voice(
            str(self._folder), load=False, edits=[("/version", "1", f"{id(configuration)}")]
        )
        if self._described.namespace == "frontends":
            return voice.built.frontend
        block = voice.built.blocks[0]
        return getattr(block, "sequence_block", block) if self._is_sequence() else block

    def _is_sequence(self) -> bool:
        return issubclass(self._described.cls, SequenceBlock)

    def _write(self, configuration: Mapping[str, Any]) -> None:
        described = self._described
        block: Any = dict(configuration)
        mute = {"type": "Mute under test"}
        nothing = {"type": "Nothing under test"}
        frontend = block if described.namespace == "frontends" else mute
        if described.namespace == "frontends":
            block = nothing
        elif self._is_sequence():
            block = {
                "type": "StreamablePipeline",
                "sequence_block": block,
                "streamable_block": nothing,
            }
        symbols = json.dumps(described.symbols, default=dict).encode()
        (self._folder / "symbols.json").write_bytes(symbols)
        files: dict[str, Any] = {
            "symbols.json": {
                "sha256": hashlib.sha256(symbols).hexdigest(),
                "bytes": len(symbols),
            }
        }
        networks = {name: _declared(n) for name, n in described.networks.items()}
        for network in networks.values():
            files |= {path: {"sha256": "0" * 64, "bytes": 0} for path in network["files"].values()}
        manifest = {
            "format": 1,
            "name": "under-test",
            "version": "1",
            "language": "en-US",
            "license": "none",
            "audio": attrs.asdict(described.audio),
            "frontend": frontend,
            "symbols": "symbols.json",
            "networks": networks,
            "stack": [block],
            "files": files,
        }
        (self._folder / "addon.json").write_text(json.dumps(manifest), "utf-8")


def _declared(network: Network) -> dict[str, Any]:
    """Return a network as a manifest declares it."""
    files = dict(network.files) or {"none": "none"}
    return {
        "role": network.role,
        "files": files,
        "inputs": {n: attrs.asdict(spec) for n, spec in network.inputs.items()},
        "outputs": {n: attrs.asdict(spec) for n, spec in network.outputs.items()},
        "context": attrs.asdict(network.context) if network.context else None,
        "state": dict(network.state),
        "delay": network.delay,
        "frame_ratio": network.frame_ratio,
    }


def alike(a: Any, b: Any) -> bool:
    """Return whether two components have equal options; networks are compared by name."""
    if isinstance(a, Program) and isinstance(b, Program):
        return alike(a.network, b.network)
    if isinstance(a, Network) and isinstance(b, Network):
        return a.name.rstrip("_") == b.name.rstrip("_")  # of another addon, of the same name
    if type(a) is not type(b):
        return False
    if isinstance(a, Schedule):
        return bool(a.sizes == b.sizes)
    if isinstance(a, Symbols):
        return alike(a.tables, b.tables)
    if attrs.has(type(a)):
        return all(alike(getattr(a, o.name), getattr(b, o.name)) for o in options_of(a) if o.init)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    return bool(a == b) or (a != a and b != b)


def _hook(name: str, components: list[Component]) -> Any:
    def hook(self: object) -> list[Component]:
        return components

    hook.__name__ = name
    return hookimpl(hook)


@frozen
class _Any(Executor):
    """Takes every network and loads none: what is built here is not run."""

    formats: tuple[str, ...]  # type: ignore[misc]

    def load(self, network: Network) -> Program:
        raise NotImplementedError


@frozen
class _Nothing(StreamableBlock):
    """Ends at once."""

    def stream(self, sequence: Tensors, upstream: Iterator[Chunk] | None) -> Iterator[Chunk]:
        return iter(())


@frozen
class _Mute(Frontend):
    """Produces nothing and declares nothing, so any tensor may be there."""

    def sentences(self, text: Iterable[str]) -> Iterator[Sentence]:
        return iter(())
