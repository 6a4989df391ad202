"""Groups of commands: the host's own, and those that plugins bring.

A plugin's command is an entry point in the group ``voxstack.commands``: ``train`` is a command of
``voxstack``, ``addon.pack`` a subcommand of ``voxstack addon``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from voxstack.advice import where_to_get
from voxstack.errors import VoxstackError, did_you_mean


class ReaderGoneError(Exception):
    """The reader of a pipe went away."""


class PluginGroup(click.Group):
    """A group with its own commands and those of plugins.

    ``lazy`` names commands that are imported when they are called; ``prefix`` is what the names
    of plugins' commands begin with, which then follows the group's own name.
    """

    def __init__(
        self, *args: Any, lazy: Mapping[str, str] | None = None, prefix: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy or {}
        self._prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give all command names; plugins' commands after the host's."""
        own = [*self._lazy, *super().list_commands(ctx)]
        return [*own, *(name for name in self._brought() if name not in own)]

    def _brought(self) -> list[str]:
        names = [n for n in _registry().names("command") if n.startswith(self._prefix)]
        return list(dict.fromkeys(n[len(self._prefix) :].partition(".")[0] for n in names))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command by its name."""
        if name in self._lazy:
            module, _, attribute = self._lazy[name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        own = super().get_command(ctx, name)
        if own is not None:
            return own
        registry, full = _registry(), self._prefix + name
        if not registry.candidates(full, "command"):
            if any(n.startswith(f"{full}.") for n in registry.names("command")):
                return PluginGroup(name=name, prefix=f"{full}.", help="Commands of plugins.")
            return None
        command = registry.load(registry.find(full, "command"))
        if not isinstance(command, click.Command):
            raise click.ClickException(
                f"the command {full!r} of a plugin is no click command: {type(command).__name__}"
            )
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for one that is not there."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            names = self.list_commands(ctx)
            hint = (
                where_to_get(self._prefix + name, "command")
                or did_you_mean(name, names)
                or f"there: {', '.join(names)}"
            )
            raise click.UsageError(f"no such command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; click would end with 1 where the reader of a pipe went away."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands; one of a plugin that breaks is listed with its reason."""
        rows = []
        for name in self.list_commands(ctx):
            try:
                command = self.get_command(ctx, name)
                text = command.get_short_help_str(70) if command else ""
            except (VoxstackError, click.ClickException) as error:
                text = f"(cannot be used: {error})"
            rows.append((name, text))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class PluginCommand(click.Command):
    """A command to which plugins may add options, in the group ``voxstack.options``."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters with those of plugins."""
        if "voxstack.glue" not in ctx.meta:
            ctx.meta["voxstack.glue"] = [
                getattr(importlib.import_module(module), name)
                for package in _registry().packages.values()
                for group, option, target in package.entries
                if group == "voxstack.options" and option.partition(".")[0] == self.name
                for module, _, name in (target.partition(":"),)
            ]
        return [*super().get_params(ctx), *ctx.meta["voxstack.glue"]]


def _registry() -> Any:
    from voxstack.registry import Registry

    return Registry()
