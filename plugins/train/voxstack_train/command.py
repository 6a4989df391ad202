"""`voxstack train`: a recipe, stage by stage."""

from __future__ import annotations

from pathlib import Path

import click
from voxstack import InputError
from voxstack.errors import did_you_mean

STAGES = ("corpus", "features", "acoustic", "vocoder", "attention", "export", "evaluate")


@click.command(short_help="Train voices by a recipe, and write their addons.")
@click.argument("recipe", metavar="RECIPE.toml")
@click.option(
    "--stage",
    "stages",
    multiple=True,
    metavar="NAME",
    help=f"Only this stage, repeatable; of {', '.join(STAGES)}.",
)
@click.option("--work", metavar="FOLDER", help="Where all is kept (default: work/RECIPE's name).")
@click.option("--device", default=None, help="cpu, cuda, cuda:1 (default: cuda if there is one).")
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Threads of each step on a CPU.",
)
def train(
    recipe: str, stages: tuple[str, ...], work: str | None, device: str | None, threads: int
) -> None:
    """Train voices by a recipe: corpus, features, networks, addons, figures.

    Each stage goes on where it was stopped, even if it was killed, and does nothing if it is done.
    """
    for stage in stages:
        if stage not in STAGES:
            hint = did_you_mean(stage, STAGES) or f"one of: {', '.join(STAGES)}"
            raise InputError(f"there is no stage {stage!r} ({hint})")
    from voxstack_train.recipe import read_recipe

    path = Path(recipe)
    read = read_recipe(path)
    folder = Path(work) if work else Path("work") / read.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror or error}") from None

    import os

    os.environ.setdefault("GOMP_SPINCOUNT", "0")  # before torch: idle threads must not spin
    import torch
    from rich.console import Console

    from voxstack_train.stages import RUN
    from voxstack_train.work import Work

    torch.set_num_threads(threads)
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the device {chosen!r} cannot be used: {reason}") from None
    job = Work(read, path, folder, chosen, Console(stderr=True))
    try:
        for stage in STAGES:
            if not stages or stage in stages:
                RUN[stage](job)
    except KeyboardInterrupt:
        job.say("interrupted; the same command goes on from here")
        raise
