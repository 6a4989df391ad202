"""The training loop: seeded by step, logged, and resumed to the same bits on one machine."""

from __future__ import annotations

import copy
import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, final

import torch
from attrs import asdict, frozen
from torch import Tensor, nn

from voxstack_train.errors import TrainError


@final
@frozen
class Settings:
    """The duration and the rate of training of a network."""

    steps: int
    rate: float  # the highest learning rate, after the warm-up
    seed: int = 0
    warmup: int = 150  # steps
    last_rate: float = 0.02  # of `rate`, at the end of the half cosine
    clip: float = 1.0  # the largest norm of a gradient
    average: float = 0.998  # decay of the running average of the weights, which is kept
    every: int = 200  # steps between validations and checkpoints
    device: str = "cpu"
    precision: str = "float32"  # or "bfloat16": mixed precision


class Task(ABC):
    """A training task: a model, its losses and its optimizers."""

    def __init__(self, model: nn.Module, settings: Settings) -> None:
        self.model = model.to(settings.device)
        self.settings = settings
        self.optimizers: dict[str, torch.optim.Optimizer] = {"model": self.optimizer(model)}
        self.helpers: dict[str, nn.Module] = {}  # trained too, but not kept (a discriminator)

    def optimizer(self, module: nn.Module, rate: float = 1.0) -> torch.optim.Optimizer:
        """Return an optimizer for a module, at `rate` times the rate of the settings."""
        optimizer = torch.optim.AdamW(
            module.parameters(), lr=self.settings.rate, betas=(0.9, 0.98), weight_decay=1e-2
        )
        optimizer.param_groups[0]["scale"] = rate
        return optimizer

    @abstractmethod
    def losses(self, step: int) -> dict[str, Tensor]:
        """Return the weighted parts of the loss of one step: their sum is minimized."""

    @abstractmethod
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Measure the held-out examples."""

    def picture(self, model: nn.Module, path: Path) -> None:  # noqa: B027 - optional
        """Draw what the model does now."""

    def update(self, step: int) -> dict[str, Tensor]:
        """Run one step."""
        with self.mixed():
            losses = self.losses(step)
        self.lower("model", self.model, sum(losses.values(), torch.zeros(())))
        return losses

    def lower(self, name: str, module: nn.Module, loss: Tensor) -> None:
        """Move a module against the gradient of a loss."""
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), self.settings.clip)
        self.optimizers[name].step()

    def mixed(self) -> Any:
        """Return the context of mixed precision."""
        device = self.settings.device.partition(":")[0]
        wanted = self.settings.precision == "bfloat16"
        return torch.autocast(device, torch.bfloat16, enabled=wanted)


Progress = Callable[[int, int, Mapping[str, float]], None]  # step, steps, losses


def learn(task: Task, folder: Path, identity: Mapping[str, Any], progress: Progress) -> nn.Module:
    """Train to the last step and return the averaged model; resume from the state in `folder`.

    `identity` identifies the recipe: TrainError if `folder` has a checkpoint of another one.
    Loss and validation are written to `losses.jsonl`, pictures beside it.
    """
    settings = task.settings
    folder.mkdir(parents=True, exist_ok=True)
    average = copy.deepcopy(task.model).eval()
    whole = _whole(identity, settings)
    first = _resume(folder / "checkpoint.pt", task, average, whole)
    _truncate(folder / "losses.jsonl", first)
    sums: dict[str, float] = {}
    since, began = first, time.monotonic()
    for step in range(first, settings.steps):
        torch.manual_seed(settings.seed * 1_000_003 + step)
        _set_rates(task, step)
        task.model.train()
        losses = {name: float(loss.detach()) for name, loss in task.update(step).items()}
        if not all(math.isfinite(loss) for loss in losses.values()):
            raise TrainError(
                f"{folder}: the loss is {losses} at step {step}; the last good checkpoint is of"
                f" step {_saved(step, settings, first)}; lower `rate` in the recipe and train again"
            )
        _follow(average, task.model, min(settings.average, (step + 1) / (step + 51)))
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + loss
        progress(step + 1, settings.steps, losses)
        if (step + 1) % settings.every == 0 or step + 1 == settings.steps:
            with torch.no_grad():
                torch.manual_seed(settings.seed)
                held = task.validate(average)
                task.picture(average, folder / "picture.png")
            if not _finite(task):  # a gradient can be NaN although the loss is a number
                raise TrainError(
                    f"{folder}: a weight is NaN or infinite at step {step}; the last good"
                    f" checkpoint is of step {_saved(step, settings, first)}; lower `rate` in the"
                    " recipe and train again"
                )
            entry = {
                "step": step + 1,
                "train": {name: total / (step + 1 - since) for name, total in sums.items()},
                "held": held,
                "seconds": round(time.monotonic() - began, 1),
            }
            with (folder / "losses.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(entry) + "\n")
            _save(folder / "checkpoint.pt", task, average, whole, step + 1)
            sums, since = {}, step + 1
    return average


def finished(
    folder: Path, identity: Mapping[str, Any], settings: Settings, model: nn.Module
) -> nn.Module | None:
    """Return the model with its averaged weights if `folder` has them trained to the last step."""
    path = folder / "checkpoint.pt"
    if not path.exists():
        return None
    state = _read(path, _whole(identity, settings), settings.device)
    if state["step"] < settings.steps:
        return None
    model.load_state_dict(state["average"])
    return model.eval()


def _whole(identity: Mapping[str, Any], settings: Settings) -> Any:
    """Return everything that identifies a recipe, without the device it runs on."""
    kept = {name: v for name, v in asdict(settings).items() if name != "device"}
    return json.loads(json.dumps({**identity, "settings": kept}))


def _saved(step: int, settings: Settings, first: int) -> int:
    return max(first, step // settings.every * settings.every)


def _finite(task: Task) -> bool:
    modules = (task.model, *task.helpers.values())
    return all(bool(torch.isfinite(p).all()) for module in modules for p in module.parameters())


def _set_rates(task: Task, step: int) -> None:
    settings = task.settings
    half = 0.5 * (1 + math.cos(math.pi * step / settings.steps))
    rate = settings.rate * min(1, (step + 1) / settings.warmup)
    rate *= settings.last_rate + (1 - settings.last_rate) * half
    for optimizer in task.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = rate * group["scale"]


@torch.no_grad()
def _follow(average: nn.Module, model: nn.Module, keep: float) -> None:
    for ours, theirs in zip(average.parameters(), model.parameters(), strict=True):
        ours.mul_(keep).add_(theirs, alpha=1 - keep)


def _save(path: Path, task: Task, average: nn.Module, identity: Any, step: int) -> None:
    state = {
        "identity": json.dumps(identity, sort_keys=True),
        "step": step,
        "model": task.model.state_dict(),
        "average": average.state_dict(),
        "optimisers": {name: o.state_dict() for name, o in task.optimizers.items()},
        "helpers": {name: h.state_dict() for name, h in task.helpers.items()},
    }
    partial = path.with_suffix(".part")
    try:
        torch.save(state, partial)
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk by a RuntimeError
        partial.unlink(missing_ok=True)
        raise TrainError(
            f"{path}: cannot write: {error}; the previous checkpoint is kept: free some space and"
            " train again"
        ) from None


def _read(path: Path, identity: Any, device: str) -> Any:
    """Read a checkpoint of this recipe."""
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        found = json.loads(state["identity"])
    except Exception as error:
        raise TrainError(f"{path}: not a checkpoint: {error}; delete it and train again") from None
    if "options" not in found:  # a checkpoint of an older version without them
        identity = {name: value for name, value in identity.items() if name != "options"}
    if found != identity:
        differ = sorted(k for k in {*found, *identity} if found.get(k) != identity.get(k))
        raise TrainError(
            f"{path}: a checkpoint of another recipe ({', '.join(differ)} differ); choose another"
            " folder with --work, or delete the checkpoint"
        )
    return state


def _resume(path: Path, task: Task, average: nn.Module, identity: Any) -> int:
    if not path.exists():
        return 0
    state = _read(path, identity, task.settings.device)
    task.model.load_state_dict(state["model"])
    average.load_state_dict(state["average"])
    for name, optimizer in task.optimizers.items():
        optimizer.load_state_dict(state["optimisers"][name])
    for name, helper in task.helpers.items():
        helper.load_state_dict(state["helpers"][name])
    return int(state["step"])


def _truncate(path: Path, step: int) -> None:
    """Keep the lines of the log up to a step; later ones are trained again."""
    if not path.exists():
        return
    lines = [line for line in path.read_text("utf-8").splitlines() if line.endswith("}")]
    kept = [line for line in lines if json.loads(line)["step"] <= step]
    partial = path.with_suffix(".part")  # if killed or out of disk now, the old log is kept
    partial.write_text("".join(line + "\n" for line in kept), "utf-8")
    partial.replace(path)
