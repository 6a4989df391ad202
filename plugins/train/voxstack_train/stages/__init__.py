"""The stages of a recipe. Each resumes where it was stopped."""

from __future__ import annotations

from collections.abc import Callable

from voxstack_train.stages.addons import export
from voxstack_train.stages.data import builtin, corpus, features
from voxstack_train.stages.figures import evaluate
from voxstack_train.stages.learning import acoustic, attention, vocoder
from voxstack_train.work import Work

__all__ = ["RUN", "builtin", "evaluate", "features"]

RUN: dict[str, Callable[[Work], None]] = {
    "corpus": corpus,
    "features": features,
    "acoustic": acoustic,
    "vocoder": vocoder,
    "attention": attention,
    "export": export,
    "evaluate": evaluate,
}
