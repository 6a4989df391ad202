"""Load the factories of modules and examples that a recipe names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from attrs import frozen
from voxstack.inspection import did_you_mean

from voxstack_pack.errors import ExportError
from voxstack_pack.running import Arrays


@final
@frozen
class Loaded:
    """The result of a factory."""

    module: Any  # torch.nn.Module
    examples: tuple[Arrays, ...]  # batch 1; the first is traced
    whole: Callable[..., object] | None = None  # the whole-utterance form of a stepped module


def load_module(reference: str, folder: Path, names: Sequence[str]) -> Loaded:
    """Call a factory; ``names`` are the inputs' names if its examples have none.

    It returns ``(module, examples)`` or ``(module, examples, whole)``; examples are a dict of
    tensors in the order of ``forward``, or a list of such dicts.
    """
    import torch

    given = call(reference, folder)
    if not isinstance(given, tuple) or len(given) not in (2, 3):
        raise ExportError(
            f"{reference} returned {_kind(given)}; expected (module, examples), or "
            "(module, examples, whole)"
        )
    module, examples = given[:2]
    if not isinstance(module, torch.nn.Module):
        raise ExportError(
            f"{reference}: the first value is {_kind(module)}; expected a torch.nn.Module"
        )
    whole = given[2] if len(given) == 3 else None
    return Loaded(module.eval(), as_arrays(reference, examples, names), whole)


def call(reference: str, folder: Path) -> Any:
    """Import what a reference names, call it, and return the result."""
    module, colon, attribute = reference.rpartition(":")
    if not colon or not module or not attribute:
        raise ExportError(
            f"{reference!r}: expected 'package.module:factory' or './file.py:factory'"
        )
    home = _imported(module, folder)
    function = getattr(home, attribute, None)
    if not callable(function):
        names = [name for name, value in vars(home).items() if callable(value)]
        hint = did_you_mean(attribute, names)
        raise ExportError(
            f"{module} has no function {attribute!r}" + (f" ({hint})" if hint else "")
        )
    try:
        return function()
    except Exception as error:
        raise ExportError(f"{reference} raised {_described(error)}") from error


def _imported(module: str, folder: Path) -> Any:
    sys.path.insert(0, str(folder))  # modules beside the recipe can be imported
    try:
        if not module.endswith(".py"):
            importlib.invalidate_caches()
            return importlib.import_module(module)
        path = folder / module
        if not path.is_file():
            raise ExportError(f"{module}: no such file")
        name = f"voxstack_pack_recipe_{abs(hash(path.resolve()))}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None  # a .py file has both
        made = importlib.util.module_from_spec(spec)
        sys.modules[name] = made  # dataclasses look up their module here
        spec.loader.exec_module(made)
        return made
    except ExportError:
        raise
    except BaseException as error:  # SystemExit too: the file may do anything on import
        if isinstance(error, KeyboardInterrupt):
            raise
        raise ExportError(f"importing {module} failed with {_described(error)}") from error
    finally:
        sys.path.remove(str(folder))


def _described(error: BaseException) -> str:
    """Describe an error with the line of the author's file where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next((f for f in reversed(frames) if "site-packages" not in f.filename), None)
    where = f" ({Path(place.filename).name}, line {place.lineno})" if place else ""
    return f"{type(error).__name__}: {error}{where}"


def _kind(value: object) -> str:
    return f"a {type(value).__name__}" if value is not None else "nothing"


def as_arrays(what: str, examples: Any, names: Sequence[str] = ()) -> tuple[Arrays, ...]:
    """Return examples as numpy arrays of batch 1; ExportError if they are not tensors."""
    if isinstance(examples, Mapping) or (
        isinstance(examples, tuple | list)
        and examples
        and not isinstance(examples[0], Mapping | tuple | list)
    ):
        examples = [examples]
    if not isinstance(examples, tuple | list) or not examples:
        raise ExportError(f"{what}: the examples are {_kind(examples)}; expected a dict of tensors")
    return tuple(_one(what, example, names) for example in examples)


def _one(what: str, example: Any, names: Sequence[str]) -> Arrays:
    if not isinstance(example, Mapping):
        if len(example) != len(names):
            raise ExportError(
                f"{what}: an example of {len(example)} tensors without names; return a dict, or "
                "name the recipe's inputs in order"
            )
        example = dict(zip(names, example, strict=True))
    made: Arrays = {}
    for name, value in example.items():
        try:
            array = np.array(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
        except Exception:
            raise ExportError(
                f"{what}: example {name!r} is {_kind(value)}; expected a tensor"
            ) from None
        if array.dtype.kind not in "fiub" or array.ndim < 1:
            raise ExportError(
                f"{what}: example {name!r} is {array.dtype} {list(array.shape)}; "
                "expected numbers with a batch dimension"
            )
        if array.shape[0] != 1:
            raise ExportError(
                f"{what}: example {name!r} has the shape {list(array.shape)}; expected a batch of "
                "1, the first dimension"
            )
        made[name] = array
    return made
