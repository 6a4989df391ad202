"""``voxstack plugins --timings``: what importing each plugin costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from voxstack.inspection import Registration, Registry

Row = dict[str, Any]


def _chosen(context: click.Context, option: click.Parameter, value: bool) -> bool:
    """Add the column to the rows of ``voxstack plugins``."""
    if value:
        context.meta["voxstack.rows"] = _with_timings
    return value


def _limit(context: click.Context, option: click.Parameter, value: float) -> float:
    context.meta[LIMIT] = value
    return value


LIMIT = "voxstack_kit.timeout"  # in a command's meta: seconds that one import may take

timings = click.Option(
    ["--timings"],
    is_flag=True,
    expose_value=False,
    callback=_chosen,
    help="Import each one in a new Python, and time it.",
)
timeout = click.Option(
    ["--timeout"],
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    envvar="VOXSTACK_IMPORT_TIMEOUT",
    expose_value=False,
    callback=_limit,
    help="How long one may take to import, for --timings.",
)


def _with_timings(
    registry: Registry,
    registrations: Sequence[Registration],
    rows: Sequence[Row],
    columns: Sequence[str],
) -> tuple[list[Row], list[str]]:
    """Return the rows and columns with the cost of importing each plugin, in milliseconds."""
    limit = click.get_current_context().meta.get(LIMIT, 30.0)
    costs = _timed(registrations, limit)
    # Listed again: what failed is marked as broken now.
    pairs = zip(rows, registrations, strict=True)
    timed = [{**row, **r.listing(), "import_ms": costs.get(r)} for row, r in pairs]
    return timed, [*columns[:-1], "import_ms", columns[-1]]


def _timed(found: Sequence[Registration], timeout: float) -> dict[Registration, float | None]:
    """Return what importing each plugin's module costs, in milliseconds.

    A plugin that fails is marked with the reason, as doctor finds it.
    """
    from voxstack_kit.trying.children import Job, run_apart
    from voxstack_kit.trying.imports import reason_of, refused, try_out

    able = [r for r in found if not refused(r) and r.kind != "addons"]
    # Each module once, in a Python that has imported voxstack and nothing else.
    names = sorted({_module(r) for r in able})
    jobs = [Job("voxstack_kit.trying.children:import_module", {"module": name}) for name in names]
    outcomes = dict(zip(names, run_apart(jobs, timeout, share=False), strict=True))
    timed = []
    for r in able:
        outcome = outcomes[_module(r)]
        if outcome.failure:
            r.mark_broken(reason_of(r, outcome))
        elif outcome.skipped:
            r.reason = f"importing {r.target!r}: not measured: the time limit was reached"
        else:
            timed.append(r)
    # A module that can be imported may still lack what is asked of it.
    for r, outcome in zip(timed, try_out(timed, timeout), strict=True):
        if outcome.failure:
            r.mark_broken(reason_of(r, outcome))
    return {r: outcomes[_module(r)].milliseconds for r in timed}


def _module(registration: Registration) -> str:
    return registration.target.partition(":")[0]
