"""Build a voice's blocks from configuration, with all problems in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

import attrs
from attrs import define, frozen

from voxstack.addon import Addon
from voxstack.blocks import Block, Frontend, StreamableBlock, options_of
from voxstack.buckets import Buckets
from voxstack.containers import StreamableStack
from voxstack.deprecations import Deprecation, current_names
from voxstack.documents import Document
from voxstack.errors import ConfigError, PluginError, Problem, VoxstackError, did_you_mean
from voxstack.executors import Executor, Program
from voxstack.networks import ROLE, Network
from voxstack.placement import Placed
from voxstack.programs import HostedProgram, ProgramCache
from voxstack.provided import AudioFormat, Symbols
from voxstack.registry import Registration, Registry
from voxstack.schedule import Schedule
from voxstack.shown import listed, shown
from voxstack.structure import Structurer, tell_uses
from voxstack.unfit import Unfit, Unfits, problems_of, unfits_of
from voxstack.wiring import Flow, check_audio, check_wiring

ALWAYS = ("seed", "sentence")  # sequence tensors that every voice gets from the host


@final
@frozen(eq=False)
class _Given:
    """A value that the host puts into a configuration before it is structured."""

    value: Any


@final
@define(eq=False)
class BuiltStack:
    """What a configuration became; nothing is loaded yet."""

    frontend: Frontend
    head: tuple[StreamableBlock, ...]  # runs once a sentence: up to the vocoder
    tail: tuple[StreamableBlock, ...]  # runs over the whole utterance: the effects after it
    programs: list[HostedProgram]


@final
class StackBuilder:
    """Turns the frontend and the stack of an addon into blocks.

    ``choose`` gives the executors for a network and what the stack says of them; ``other`` opens
    the addon that ``"ADDON:NAME"`` refers to. Without an addon, a stack is checked alone: names and
    options, but not the networks.
    """

    def __init__(
        self,
        registry: Registry,
        addon: Addon | None,
        cache: ProgramCache,
        choose: Callable[[Network, Any], Placed],
        other: Callable[[str], Addon],
    ) -> None:
        self.registry, self.addon, self.cache = registry, addon, cache
        self.choose, self.other = choose, other
        self.programs: list[HostedProgram] = []
        self._executors: list[Any] = []  # what the blocks around the one at hand say
        self._complaints: dict[str, None] = {}  # an ordered set
        self._kinds: dict[type, str] = {}
        self._rates: dict[str, int] = {}  # of the audio of other addons, by their names
        self._structurer = self._make_structurer()

    def build(self, document: Document) -> BuiltStack:
        """Build; ConfigError with all problems."""
        problems: list[Problem] = []
        frontend = self._part(document, "frontend", Frontend, problems)
        blocks = self._part(document, "stack", tuple[StreamableBlock, ...], problems)
        problems += [Problem("", complaint) for complaint in self._complaints]
        if blocks is not None and not blocks:
            problems.append(document.problem("/stack", "the stack is empty", "add a block"))
        if blocks and self.addon is not None and not problems:
            problems += self._wiring(document, StreamableStack(blocks), frontend)
        if problems:
            raise ConfigError(problems)
        tell_uses(self._structurer, document)
        split = self._split(blocks)
        return BuiltStack(frontend, blocks[:split], blocks[split:], self.programs)

    def executor(self, config: Any, document: Document, pointer: str) -> Executor:
        """Build an executor from its name or its configuration."""
        # A configuration of its own: it may be asked for while a stack is being made.
        outer, self._structurer = self._structurer, self._make_structurer()
        try:
            executor: Executor = self._structurer.structure(config, Executor)
            tell_uses(self._structurer, document)
        except Exception as error:
            raise ConfigError(problems_of(document, error, pointer)) from None
        finally:
            self._structurer = outer
        return executor

    def _part(self, document: Document, key: str, type_: Any, problems: list[Problem]) -> Any:
        value = document.value.get(key) if isinstance(document.value, dict) else None
        if value is None:
            if key == "stack" or self.addon is not None:
                problems.append(document.problem("", f"{key!r} is missing", f"add {key!r}"))
            return None
        try:
            with self._structurer.at(key):
                return self._structurer.structure(value, type_)
        except Exception as error:
            problems += problems_of(document, error, f"/{key}")
            return None

    def _wiring(
        self, document: Document, stack: StreamableStack, frontend: Frontend | None
    ) -> list[Problem]:
        problems: list[Problem] = []
        names = {*ALWAYS, *(self.addon.manifest.controls if self.addon else ())}
        undeclared = frontend is None or frontend.produces is None
        if frontend is not None and frontend.produces is not None:
            names |= set(frontend.produces)

        def report(pointer: str, message: str, suggestion: str | None) -> None:
            problems.append(document.problem(pointer, message, suggestion))

        check_wiring(stack, Flow(frozenset(names), undeclared), report)
        *_, last = _all_blocks(stack)
        if self.addon is not None and self._kinds.get(type(last)) == "vocoders":
            check_audio(last, self.addon.manifest.audio, self.programs, self._rates, report)
        return problems

    def _split(self, blocks: tuple[StreamableBlock, ...]) -> int:
        """Give the index behind the last block that holds a vocoder."""
        for index in reversed(range(len(blocks))):
            if any(self._kinds.get(type(b)) == "vocoders" for b in _all_blocks(blocks[index])):
                return index + 1
        index = len(blocks)
        while index > 1 and self._kinds.get(type(blocks[index - 1])) == "effects":
            index -= 1
        return index

    # Resolving ------------------------------------------------------------------------------

    def _make_structurer(self) -> Structurer:
        structurer = Structurer()
        for base, hook in (
            (Block, self._component("block")),
            (Frontend, self._component("frontend")),
            (Executor, self._component("executor")),
            (Program, self._program),
            (Network, self._network),
            (Schedule, _schedule),
            (Buckets, _buckets),
            (AudioFormat, _provided),
            (Symbols, _provided),
        ):
            structurer.register(base, hook)
        return structurer

    def _component(self, namespace: str) -> Callable[[Any, Any], Any]:
        def hook(config: Any, wanted: Any) -> Any:
            if isinstance(config, _Given):
                return config.value
            if isinstance(config, wanted):
                return config  # made in Python, not in a document
            place = "/type"
            bare = isinstance(config, str) and namespace == "executor"
            if bare:
                config, place = {"type": config}, ""
            if not isinstance(config, dict):
                raise Unfit(f'expected {{"type": "NAME", ...}}, not {shown(config)}')
            if not isinstance(config.get("type"), str):
                known = ", ".join(self.registry.names(namespace))
                raise Unfit("a type is missing", f'add "type", one of: {known}')
            try:
                registration = self.registry.find(config["type"], namespace)
                cls = self.registry.load(registration)
            except PluginError as error:
                raise Unfit(error.message, error.suggestion, place) from None
            if not issubclass(cls, wanted):
                raise Unfit(
                    f"{config['type']!r} is no {wanted.__name__}, which this place takes",
                    self._fitting(namespace, registration),
                    place,
                )
            self._kinds[cls] = registration.kind
            old: Mapping[str, Deprecation] = getattr(cls, "deprecated_names", {})
            if registration.name in old:
                with self._structurer.at("type"):
                    what = f"the {namespace} {registration.name!r}"
                    self._structurer.note(what, old[registration.name], registration.owner)
            if bare and (missing := needed_options(cls, registration)):
                options = "".join(f', "{option}": ...' for option in missing)
                how = f'write it out: {{"type": "{config["type"]}"{options}}}'
                raise Unfit(f"{config['type']!r} needs the option {listed(missing)}", how)
            return self._placed(cls, registration, config)

        return hook

    def _placed(self, cls: type, registration: Registration, config: dict[str, Any]) -> Any:
        """Make a component; ``"executor"`` on a block is for all networks in it, at any depth."""
        place = config.get("executor") if issubclass(cls, Block) else None
        if place is None:
            return self._instance(cls, registration, config)
        if not isinstance(place, list):  # of a list, those that are not there are passed over
            noted = len(self._structurer.uses)
            try:
                self._structurer.structure(place, Executor)
            except Exception as error:
                raise Unfits(list(unfits_of(error, "/executor"))) from None
            del self._structurer.uses[noted:]  # noted when it is made for a network
        self._executors.append(place)
        try:
            takes_it = any(option.name == "executor" for option in attrs.fields(cls))
            own = config if takes_it else {k: v for k, v in config.items() if k != "executor"}
            return self._instance(cls, registration, own)
        finally:
            self._executors.pop()

    def _fitting(self, namespace: str, wrong: Registration) -> str | None:
        if namespace != "block":
            return None
        if wrong.kind == "encoders":
            return "a SequenceBlock goes into the sequence_block of a StreamablePipeline"
        return "a StreamableBlock goes into a stack or a streamable_block"

    def _instance(self, cls: type, registration: Registration, config: dict[str, Any]) -> Any:
        try:
            attrs.resolve_types(cls)
        except NameError as error:
            raise Unfit(
                f"{cls.__name__} of {registration.distribution} has an option whose type cannot "
                f"be resolved: {error}",
                "import the type at run time, not under TYPE_CHECKING",
            ) from None
        options = {k: v for k, v in config.items() if k != "type"}
        current = current_names(attrs.fields(cls))
        for name, value in registration.options.items():
            if current.get(name, name) not in {current.get(n, n) for n in options}:
                options[name] = value
        given = {current.get(name, name) for name in options}
        for option in attrs.fields(cls):
            if option.name in given:
                continue
            role = option.metadata.get(ROLE)
            if role is not None:
                options[option.name] = self._by_role(role, option)
            elif option.type in (AudioFormat, Symbols):
                options[option.name] = _Given(self._fact(option.type))
        # Not ``structure``: for a block's class that would ask for its "type" again.
        return self._structurer.fields(options, cls, registration.owner)

    def _fact(self, type_: Any) -> Any:
        """Give what the host provides to a field of such a type."""
        if self.addon is None:
            return None
        return self.addon.manifest.audio if type_ is AudioFormat else self.addon.symbols()

    def _by_role(self, role: str, option: attrs.Attribute[Any]) -> Any:
        """Give the networks of a role: all of them for a list, else the only one."""
        many = option.type not in (Program, Network)
        if self.addon is None:
            return [] if many else _Given(None)
        found = [n for n in self.addon.networks.values() if n.role == role]
        if many:
            return [self._resolved(n, option.type) for n in found]
        if len(found) == 1:
            return self._resolved(found[0], option.type)
        names = ", ".join(repr(n.name) for n in found)
        there = ", ".join(f"{n.name!r} ({n.role})" for n in self.addon.networks.values())
        raise Unfit(
            f"the addon has {len(found) or 'no'} networks with the role {role!r}"
            + (f": {names}" if found else f"; its networks: {there or 'none'}"),
            f'name one: "{option.name}": "NAME"',
        )

    def _resolved(self, network: Network, type_: Any) -> _Given:
        return _Given(network if type_ is Network else self._hosted(network))

    def hosted(self, network: Network) -> HostedProgram:
        """Give a network's program on the executor that is chosen for it, not loaded yet."""
        in_stack = self._executors[-1] if self._executors else None
        placed = self.choose(network, in_stack)
        first, *others = placed.executors
        return HostedProgram(network, first, self.cache, others, placed.passed_over)

    def _hosted(self, network: Network) -> HostedProgram:
        try:
            program = self.hosted(network)
        except VoxstackError as error:
            # Every network asks for an executor: one complaint is enough.
            self._complaints.setdefault(str(error))
            program = HostedProgram(network, None, self.cache)  # type: ignore[arg-type]
        self.programs.append(program)
        return program

    def _program(self, config: Any, _: Any) -> Any:
        if isinstance(config, _Given):
            return config.value
        network = self._network(config, None)
        return None if network is None else self._hosted(network)

    def _network(self, config: Any, _: Any) -> Any:
        if isinstance(config, _Given):
            return config.value
        if not isinstance(config, str):
            raise Unfit(f'expected the name of a network or "ADDON:NAME", not {shown(config)}')
        addon_name, colon, name = config.rpartition(":")
        if self.addon is None and not colon:
            return None
        try:
            addon = self.other(addon_name) if colon else self.addon
        except VoxstackError as error:
            raise Unfit(f"{config!r}: {error}") from None
        if colon and addon is not None:
            self._rates[addon.name] = addon.manifest.audio.sample_rate
        networks: Mapping[str, Network] = addon.networks if addon else {}
        if name in networks:
            return networks[name]
        hint = did_you_mean(name, networks) or f"there: {', '.join(networks) or 'none'}"
        raise Unfit(f"the addon {addon.name if addon else ''!r} has no network {name!r}", hint)


def _all_blocks(block: Any) -> Iterator[Block]:
    """Give a block and all blocks among its options, at any depth."""
    if isinstance(block, list | tuple):
        for item in block:
            yield from _all_blocks(item)
    elif isinstance(block, Block):
        yield block
        for option in options_of(block):
            yield from _all_blocks(getattr(block, option.name))


def needed_options(cls: type, registration: Registration) -> list[str]:
    """Give the options without which a component cannot be made; not what the host provides."""
    return [
        option.name
        for option in attrs.fields(cls)
        if option.init
        and option.default is attrs.NOTHING
        and option.type not in (AudioFormat, Symbols)
        and option.name not in registration.options
    ]


def _schedule(config: Any, _: Any) -> Schedule:
    if not isinstance(config, list) or not all(type(size) is int for size in config):
        raise Unfit(f"expected a list of chunk sizes in frames, not {shown(config)}")
    try:
        return Schedule(tuple(config))
    except ValueError as error:
        raise Unfit(str(error)) from None


def _buckets(config: Any, _: Any) -> Buckets:
    good = isinstance(config, dict) and all(
        isinstance(sizes, list) and all(type(size) is int for size in sizes)
        for sizes in config.values()
    )
    if not good:
        raise Unfit(f'expected {{"DIMENSION": [sizes]}}, not {shown(config)}')
    try:
        return Buckets(config)
    except ValueError as error:
        raise Unfit(str(error)) from None


def _provided(config: Any, type_: Any) -> Any:
    if isinstance(config, _Given):
        return config.value
    raise Unfit("the host provides this from the addon", "remove it from the configuration")
