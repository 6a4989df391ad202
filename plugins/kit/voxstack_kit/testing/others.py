"""The suites of what is not part of a stack: commands, options, and modules with hooks."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click
import pluggy
import pytest
from voxstack import Component, VoxstackError
from voxstack.inspection import KINDS, Registration, Registry

from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.suite import imported_apart, require_light

hookspecs = sys.modules[Component.__module__]  # the module of the hooks


class CommandSuite:
    """Check what voxstack requires of a command: fixtures ``command``, ``target`` "module:name"."""

    def test_it_is_a_click_command(self, command: Any) -> None:
        """Check that it is a command or a group of commands."""
        if not isinstance(command, click.Command):
            fail(
                f"it is of type {type(command).__name__}, expected a click command",
                "decorate the function with @click.command()",
            )

    def test_it_and_its_options_say_what_they_are(self, command: Any) -> None:
        """Check that the command and each option have a help text."""
        _require_command(command)
        if not (command.help or command.short_help):
            fail(f"the command {command.name!r} has no help", "describe it in its docstring")
        for option in command.params:
            if isinstance(option, click.Option) and not (option.help or option.hidden):
                fail(
                    f"the option {option.opts[0]!r} of {command.name!r} has no help",
                    'add one: @click.option("--x", help="...")',
                )

    def test_its_help_is_shown(self, command: Any) -> None:
        """Check that ``--help`` prints it and succeeds."""
        from click.testing import CliRunner

        _require_command(command)
        result = CliRunner().invoke(command, ["--help"])
        if result.exit_code or "Usage:" not in result.output:
            fail(f"--help ends with {result.exit_code}: {result.output[:200]}", "leave it to click")

    def test_importing_it_is_light_and_has_no_effects(self, target: str) -> None:
        """Check its import, which ``voxstack --help`` does: no runtime, output, thread or fork."""
        module = target.partition(":")[0]
        require_light(module, imported_apart(module))


def _require_command(command: Any) -> None:
    if not isinstance(command, click.Command):
        pytest.skip("not a click command, as another check reports")


class OptionSuite:
    """Check what voxstack requires of an option: fixtures ``option``, ``name`` and ``target``.

    ``name`` is that of the entry point, "say.locked".
    """

    def test_it_is_a_click_option(self, option: Any) -> None:
        """Check that it is a click.Option."""
        if not isinstance(option, click.Option):
            fail(
                f"it is of type {type(option).__name__}, expected a click.Option",
                'make one: click.Option(["--x"], expose_value=False, help="...")',
            )

    def test_it_says_what_it_is(self, option: Any) -> None:
        """Check that it has a help text."""
        if isinstance(option, click.Option) and not (option.help or option.hidden):
            fail("it has no help", 'add one: click.Option(["--x"], help="...")')

    def test_it_is_declared_by_its_name(self, option: Any, name: str) -> None:
        """Check that it has the name of its entry point and keeps its value from the command."""
        if not isinstance(option, click.Option):
            pytest.skip("not a click.Option, as another check reports")
        flag = f"--{name.rpartition('.')[2]}"
        if flag not in option.opts:
            fail(f"it is declared as {', '.join(option.opts)}, expected {flag}", f"use {flag}")
        if option.expose_value:
            fail("it passes its value to the command, which has no parameter for it",
                 "declare it with expose_value=False, and use its callback")  # fmt: skip

    def test_importing_it_is_light_and_has_no_effects(self, target: str) -> None:
        """Check its import, which ``--help`` does: no runtime, output, thread or fork."""
        module = target.partition(":")[0]
        require_light(module, imported_apart(module))


class HooksSuite:
    """Check what voxstack requires of a module with hooks.

    Fixtures: ``registration`` and ``installed``, the registry.
    """

    def test_its_hooks_are_known_and_have_the_right_arguments(
        self, registration: Registration
    ) -> None:
        """Check that it can be imported, and that its hooks exist."""
        plugin: Any
        try:
            plugin = importlib.import_module(registration.target.partition(":")[0])
            for part in registration.target.partition(":")[2].split("."):
                plugin = getattr(plugin, part) if part else plugin
            manager = pluggy.PluginManager("voxstack")
            manager.add_hookspecs(hookspecs)
            manager.register(plugin)
            known = {name for name in dir(hookspecs) if name.startswith("voxstack_")}
            unknown = [c.name for c in manager.get_hookcallers(plugin) or () if c.name not in known]
        except (ImportError, AttributeError, pluggy.PluginValidationError) as error:
            fail(
                f"{type(error).__name__}: {error}",
                "see voxstack.hookspecs for the hooks and their arguments",
            )
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            fail(
                f"importing it fails: {type(error).__name__}: {error}",
                "do nothing at import but define: start things when they are asked for",
            )
        if unknown:
            fail(
                f"there are no hooks {', '.join(unknown)}",
                f"hooks: {', '.join(sorted(known))}",
            )

    def test_what_it_announces_can_be_used(
        self, registration: Registration, installed: Registry
    ) -> None:
        """Check that each component of its hooks can be imported."""
        if registration.kind == "observer":
            pytest.skip("it only listens")
        if registration.status == "broken":
            fail(str(registration.reason), "fix the hook that fails")
        announced = [
            r
            for r in installed.registrations
            if r.distribution == registration.distribution
            and r.kind in KINDS
            and r.kind != "addons"
        ]
        for one in announced:
            try:
                installed.load(one)
            except VoxstackError as error:
                fail(f"it announces {one.name!r}: {error}", "fix the target: package.module:Class")

    def test_importing_it_is_light_and_has_no_effects(self, registration: Registration) -> None:
        """Check its import: no runtime, no output, no thread, no fork."""
        module = registration.target.partition(":")[0]
        require_light(module, imported_apart(module))
