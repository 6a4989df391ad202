"""Telling numbers of too few bits from wrong ones: a runtime may round and never say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack.testing.failures import fail
from voxstack.testing.streams import differences, require_same

# Of the largest number. bfloat16 rounds by up to 0.4 %, float16 and TF32 by 0.05 %, and what they
# round adds up over a sum; what is wrong is mostly further off.
NEAR = 0.03


def require_reference(
    expected: Mapping[str, Any],
    got: Mapping[str, Any],
    tolerance: float,
    when: str,
    next_step: str,
) -> None:
    """Fail as ``require_same``; where all is nearly right, tell that it is a matter of precision.

    A network that is 0.4 % off speaks, and its audio is wrong by half of full scale.
    """
    __tracebackhide__ = True
    told = "; ".join(differences(expected, got, tolerance))
    if told and _is_near(expected, got):
        fail(
            f"{when}: {told}: numbers of low precision, as of bfloat16, float16 or TF32, and not "
            "float32",
            "have the runtime compute in float32, whatever it prefers on this machine: "
            'INFERENCE_PRECISION_HINT "f32" for OpenVINO, use_tf32 0 for CUDA, no fast math',
        )
    require_same(expected, got, tolerance, when, next_step)


def _is_near(expected: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    """Tell whether nothing differs but the numbers of floats, by as much as rounding gives."""
    if expected.keys() != got.keys():
        return False
    for name, tensor in expected.items():
        a, b = np.asarray(tensor), np.asarray(got[name])
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            return False
        furthest = NEAR * np.abs(a).max(initial=0.0) if a.dtype.kind == "f" else 0
        if not (np.abs(a.astype(np.float64) - b) <= furthest).all():
            return False
    return True
