"""Build a voice's blocks from configuration, with all problems in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, final, get_args

import attrs

from voxstack.addons import Addon, Library
from voxstack.blocks import AudioFormat, Block, Frontend, StreamableBlock, Symbols, walk
from voxstack.building.components import PROVIDED, ExecutorMaker, buckets, resolve
from voxstack.building.placement import Placement
from voxstack.building.wiring import Flow, check_audio, check_wiring
from voxstack.config import Document, Invalid, Invalids, Structurer, invalids_of, problems_of
from voxstack.containers import StreamableStack
from voxstack.errors import ConfigError, Problem, VoxstackError, did_you_mean, shown
from voxstack.executors import Buckets, Executor, Program
from voxstack.networks import ROLE, Network
from voxstack.plugins import Registration, Registry
from voxstack.running import BuiltStack, HostedProgram, ProgramCache
from voxstack.schedule import Schedule

ALWAYS = ("seed", "sentence")  # sequence tensors that every voice gets from the host


@final
class StackBuilder:
    """Turns the frontend and the stack of an addon into blocks.

    Without an addon, a stack is checked alone: names and options, but not the networks.
    """

    def __init__(
        self,
        registry: Registry,
        library: Library,
        maker: ExecutorMaker,
        placement: Placement,
        cache: ProgramCache,
        addon: Addon | None = None,
    ) -> None:
        self._registry, self._library, self._maker = registry, library, maker
        self._placement, self._cache, self._addon = placement, cache, addon
        self._programs: list[HostedProgram] = []
        self._around: list[Any] = []  # executors of the blocks around the present place
        self._complaints: dict[str, None] = {}  # an ordered set
        self._rates: dict[str, int] = {}  # of the audio of other addons, by their names
        self._structurer = Structurer(
            {
                Block: partial(self._component, "block"),
                Frontend: partial(self._component, "frontend"),
                Executor: maker.structure,
                Program: self._program,
                Network: self._network,
                Schedule: _schedule,
                Buckets: buckets,
                AudioFormat: _provided,
                Symbols: _provided,
            }
        )

    def build(self, document: Document) -> BuiltStack:
        """Build; ConfigError with all problems."""
        problems: list[Problem] = []
        frontend = self._part(document, "frontend", Frontend, problems)
        blocks = self._part(document, "stack", tuple[StreamableBlock, ...], problems)
        problems += [Problem("", complaint) for complaint in self._complaints]
        if blocks is not None and not blocks:
            problems.append(document.problem("/stack", "the stack is empty", "add a block"))
        if blocks and self._addon is not None and not problems:
            problems += self._wiring(document, self._addon, StreamableStack(blocks), frontend)
        if problems:
            raise ConfigError(problems)
        return BuiltStack(frontend, blocks, self._programs)

    def _part(self, document: Document, key: str, type_: Any, problems: list[Problem]) -> Any:
        value = document.value.get(key) if isinstance(document.value, dict) else None
        if value is None:
            if key == "stack" or self._addon is not None:
                problems.append(document.problem("", f"{key!r} is missing", f"add {key!r}"))
            return None
        try:
            return self._structurer.structure(value, type_)
        except Exception as error:
            problems += problems_of(document, error, f"/{key}")
            return None

    def _wiring(
        self, document: Document, addon: Addon, stack: StreamableStack, frontend: Frontend | None
    ) -> list[Problem]:
        problems: list[Problem] = []
        produces = frontend.produces if frontend is not None else None
        names = {*ALWAYS, *addon.manifest.controls, *(produces or ())}

        def report(pointer: str, message: str, suggestion: str | None) -> None:
            problems.append(document.problem(pointer, message, suggestion))

        check_wiring(stack, Flow(frozenset(names), produces is None), report)
        *_, (_, last) = walk(stack)
        if isinstance(last, StreamableBlock) and last.ends_sentence:
            check_audio(last, addon.manifest.audio, self._programs, self._rates, report)
        return problems

    # Components -----------------------------------------------------------------------------

    def _component(self, namespace: str, config: Any, wanted: type) -> Any:
        if isinstance(config, wanted):
            return config  # made in Python, not in a document
        registration = resolve(self._registry, config, namespace, wanted)
        options = {key: value for key, value in config.items() if key != "type"}
        if namespace != "block" or options.get("executor") is None:
            return self._instance(registration, options)
        with self._placed_on(options["executor"]):
            fields = attrs.fields_dict(registration.loaded)
            if "executor" not in fields:
                del options["executor"]
            return self._instance(registration, options)

    @contextmanager
    def _placed_on(self, executor: Any) -> Iterator[None]:
        """Place all networks of a block, at any depth, on the executor that the stack names."""
        # Members of a list that are absent are passed over; one for all networks overrides it.
        if not isinstance(executor, list) and not self._placement.overrides:
            try:
                self._maker.structure(executor, Executor)
            except Exception as error:
                raise Invalids(invalids_of(error, "/executor")) from None
        self._around.append(executor)
        try:
            yield
        finally:
            self._around.pop()

    def _instance(self, registration: Registration, options: dict[str, Any]) -> Any:
        cls, options = registration.loaded, {**registration.options, **options}
        made = {}
        for option in attrs.fields(cls):
            if option.name in options:
                continue
            if (role := option.metadata.get(ROLE)) is not None:
                made[option.name] = self._by_role(role, option)
            elif option.type in PROVIDED:
                made[option.name] = self._fact(option.type)
        # Not ``structure``: for a block's class that would ask for its "type" again.
        return self._structurer.fields(options, cls, made)

    def _fact(self, type_: Any) -> Any:
        """Return what the host provides to a field of such a type."""
        if self._addon is None:
            return None
        return self._addon.manifest.audio if type_ is AudioFormat else self._addon.symbols()

    # Networks -------------------------------------------------------------------------------

    def _by_role(self, role: str, option: attrs.Attribute[Any]) -> Any:
        """Return the networks of a role: all of them for a list, else the only one."""
        many = option.type not in (Program, Network)
        if self._addon is None:
            return () if many else None
        networks = self._addon.networks.values()
        found = [network for network in networks if network.role == role]
        if many:
            return tuple(self._resolved(network, option.type) for network in found)
        if len(found) == 1:
            return self._resolved(found[0], option.type)
        names = ", ".join(repr(n.name) for n in found)
        there = ", ".join(f"{n.name!r} ({n.role})" for n in networks)
        raise Invalid(
            f"the addon has {len(found) or 'no'} networks with the role {role!r}"
            + (f": {names}" if found else f"; its networks: {there or 'none'}"),
            f'name one: "{option.name}": "NAME"',
        )

    def _resolved(self, network: Network, type_: Any) -> Network | HostedProgram | None:
        described = Network in (type_, *get_args(type_))
        return network if described else self._hosted(network)

    def hosted(self, network: Network) -> HostedProgram:
        """Return a network's program on the executor that is chosen for it, not loaded yet."""
        placed = self._placement.choose(network, self._around[-1] if self._around else None)
        return HostedProgram(network, placed, self._cache)

    def _hosted(self, network: Network) -> HostedProgram | None:
        try:
            program = self.hosted(network)
        except VoxstackError as error:
            # Every network asks for an executor: one complaint is enough.
            self._complaints.setdefault(str(error))
            return None
        self._programs.append(program)
        return program

    def _program(self, config: Any, _: Any) -> Any:
        network = self._network(config, None)
        return None if network is None else self._hosted(network)

    def _network(self, config: Any, _: Any) -> Any:
        if not isinstance(config, str):
            raise Invalid(f'expected the name of a network or "ADDON:NAME", not {shown(config)}')
        addon_name, colon, name = config.rpartition(":")
        if self._addon is None and not colon:
            return None
        try:
            addon = self._library.addon(addon_name) if colon else self._addon
        except VoxstackError as error:
            raise Invalid(f"{config!r}: {error}") from None
        if colon and addon is not None:
            self._rates[addon.name] = addon.manifest.audio.sample_rate
        networks: Mapping[str, Network] = addon.networks if addon else {}
        if name in networks:
            return networks[name]
        hint = did_you_mean(name, networks, f"it has: {', '.join(networks) or 'none'}")
        raise Invalid(f"the addon {addon.name if addon else ''!r} has no network {name!r}", hint)


def _schedule(config: Any, _: Any) -> Schedule:
    if not isinstance(config, list) or not all(type(size) is int for size in config):
        raise Invalid(f"expected a list of chunk sizes in frames, not {shown(config)}")
    try:
        return Schedule(tuple(config))
    except ValueError as error:
        raise Invalid(str(error)) from None


def _provided(config: Any, _: Any) -> Any:
    raise Invalid("the host provides this from the addon", "remove it from the configuration")
