"""`voxstack train`: run the stages of a recipe."""

from __future__ import annotations

from pathlib import Path

import click
from voxstack import InputError
from voxstack.inspection import did_you_mean

STAGES = ("corpus", "features", "acoustic", "vocoder", "attention", "export", "evaluate")


@click.command(short_help="Train voices from a recipe, and write their addons.")
@click.argument("recipe", metavar="RECIPE.toml")
@click.option(
    "--stage",
    "stages",
    multiple=True,
    metavar="NAME",
    help=f"Only this stage; repeatable. One of {', '.join(STAGES)}.",
)
@click.option("--work", metavar="FOLDER", help="Folder of all results (default: work/NAME).")
@click.option("--device", default=None, help="cpu, cuda, cuda:1 (default: cuda if available).")
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Threads per step on a CPU.",
)
def train(
    recipe: str, stages: tuple[str, ...], work: str | None, device: str | None, threads: int
) -> None:
    """Train voices from a recipe: corpus, features, networks, addons, figures.

    Each stage resumes where it was stopped, even if it was killed, and skips what is done.
    """
    for stage in stages:
        if stage not in STAGES:
            hint = did_you_mean(stage, STAGES) or f"one of: {', '.join(STAGES)}"
            raise InputError(f"unknown stage {stage!r} ({hint})")
    from voxstack_train.recipe import read_recipe

    path = Path(recipe)
    read = read_recipe(path)
    folder = Path(work) if work else Path("work") / read.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot create the folder {folder}: {error.strerror or error}") from None

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
        job.say("interrupted; run the same command to continue")
        raise
