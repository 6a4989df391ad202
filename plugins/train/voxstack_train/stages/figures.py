"""The stage that measures the addons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack_train.errors import TrainError
from voxstack_train.stages.addons import addon_folder
from voxstack_train.stages.common import digest, write_json
from voxstack_train.work import Work

if TYPE_CHECKING:
    from voxstack import Voice

    from voxstack_train.evaluation.run import Report
    from voxstack_train.recipe import AddonRecipe


def evaluate(work: Work) -> None:
    """Measure the addons that are written, and put the figures into their cards."""
    if work.recipe.evaluate is None:
        return
    from voxstack import Host
    from voxstack_pack import fill_card

    from voxstack_train.evaluation.errors import require_packages
    from voxstack_train.evaluation.scoring import VOICE
    from voxstack_train.evaluation.table import markdown

    require_packages(pictures=True)
    folder = work.folder / "evaluation"
    folder.mkdir(exist_ok=True)
    carrier = next((a for a in work.recipe.export if a.kind == "parallel"), None)
    for addon in work.recipe.export:
        done = folder / f"{addon.name}.json"
        speaks = addon.kind in ("parallel", "attention")
        if not speaks and (carrier is None or carrier.vocoder == "own"):
            continue  # there is no voice for the vocoder
        spoken = addon if speaks else carrier
        of = _measured_of(work, addon, spoken)
        if done.exists() and json.loads(done.read_text("utf-8")).get("of", of) == of:
            continue
        edits = {} if speaks else {"/stack/1": vocoder_stack(addon)}
        with Host() as host:
            voice = host.voice(str(addon_folder(work, spoken)), edits=edits)
            report = _measured(work, voice, addon.name, folder)
        table = [row for row in report.table if speaks or row["system"] != VOICE]
        fill_card(addon_folder(work, addon), markdown(table, report.notes))
        write_json(done, report.as_json() | {"of": of})  # last: it marks the card as filled too


def _measured_of(work: Work, *addons: AddonRecipe) -> str:
    """Return a digest of what is measured: the networks of addons, and the sentences."""
    seen: list[Any] = [work.recipe.evaluate.sentences, work.recipe.evaluate.sets]
    for addon in addons:
        path = addon_folder(work, addon) / "addon.json"
        if not path.exists():
            raise TrainError(f"{path}: missing; run the stage 'export'")
        written = json.loads(path.read_text("utf-8"))["files"]
        seen.append({name: written[name] for name in written if name.startswith("networks/")})
    return digest(seen)


def _measured(work: Work, voice: Voice, name: str, folder: Path) -> Report:
    from voxstack_train.evaluation.run import Wanted
    from voxstack_train.evaluation.run import evaluate as run

    wanted = Wanted(
        work.recipe.evaluate.sets, work.recipe.evaluate.sentences, pictures=folder / name
    )
    with work.bar(f"evaluate: {name}", 1) as bar:
        return run(voice, wanted, bar)


def vocoder_stack(addon: AddonRecipe) -> dict[str, Any]:
    """Return the blocks that use a vocoder addon in place of a voice's own vocoder."""
    vocoder = {"type": "Vocoder", "network": f"{addon.name}:vocoder"}
    if addon.kind == "vocoder":
        return vocoder
    pitch = {"type": "Prosody", "network": f"{addon.name}:pitch"}
    return {"type": "StreamableStack", "stack": [pitch, {"type": "Phase"}, vocoder]}
