"""Distinguishing numbers of low precision from wrong ones: a runtime may round silently.

So would a factor: that leaves nearly nothing over, and what is rounded scatters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.streams import differences, require_same

# Of the largest number. bfloat16 rounds by up to 0.4 %, float16 and TF32 by 0.05 %, and what they
# round adds up over a sum; what is wrong is mostly further off.
NEAR = 0.03
FEW = 2  # numbers; one of them any factor fits
SCATTER = 0.02  # of the difference: what remains if a factor explains it


def require_reference(
    expected: Mapping[str, Any],
    got: Mapping[str, Any],
    tolerance: float,
    when: str,
    next_step: str,
) -> None:
    """Fail as ``require_same``, with the factor or the precision by which numbers are off.

    A network that is 0.4 % off speaks, and its audio is wrong by half of full scale.
    """
    __tracebackhide__ = True
    found = "; ".join(differences(expected, got, tolerance))
    if found and (scale := _scale(expected, got, tolerance)):
        fail(
            f"{when}: {found}: all numbers are {scale:.4g} times what is expected",
            "look for a factor: a gain, the scale of a quantisation, a weight that is applied "
            "twice; numbers of low precision would scatter",
        )
    if found and _is_near(expected, got):
        fail(
            f"{when}: {found}: numbers of low precision, as of bfloat16, float16 or TF32, and not "
            "float32",
            "have the runtime compute in float32, whatever it prefers on this machine: "
            'INFERENCE_PRECISION_HINT "f32" for OpenVINO, use_tf32 0 for CUDA, no fast math',
        )
    require_same(expected, got, tolerance, when, next_step)


def _scale(expected: Mapping[str, Any], got: Mapping[str, Any], tolerance: float) -> float | None:
    """Return the factor by which all differing numbers are off, if there is one."""
    factor = None
    for name in expected.keys() & got.keys():
        a, b = np.asarray(expected[name]), np.asarray(got[name])
        if a.shape != b.shape or a.dtype != b.dtype:
            return None
        if not any(differences({name: a}, {name: b}, tolerance)):
            continue
        a, b = a.astype(np.float64), b.astype(np.float64)
        if np.count_nonzero(a) < FEW:
            return None
        here = float(np.vdot(a, b) / np.vdot(a, a))
        off = float(np.abs(b - a).max())
        alike = bool(np.abs(b - here * a).max() <= SCATTER * off)
        if not alike or (factor is not None and not np.isclose(here, factor, rtol=1e-3)):
            return None
        factor = here
    return factor or None


def _is_near(expected: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    """Return whether only floats differ, by as much as rounding does."""
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
