"""Rules of the operators that work element by element."""

from __future__ import annotations

import math

import numpy as np

from voxstack_pack.delayed.facts import Effect, Fact
from voxstack_pack.delayed.sight import Sight

# They keep zeros: f(0) = 0.
_ODD = (
    "Abs Asin Asinh Atan Atanh Cast Ceil Celu Elu Erf Floor Gelu HardSwish LeakyRelu Mish Neg "
    "PRelu Relu Round Selu Sign Sin Sinh Softsign Sqrt Swish Tan Tanh ThresholdedRelu"
)
_OTHERS = (
    "Acos Acosh And BitShift Clip Cos Cosh Div Equal Exp Greater GreaterOrEqual HardSigmoid "
    "IsInf IsNaN Less LessOrEqual Log Mod Mul Not Or Pow Reciprocal Sigmoid Softplus Where "
    "Xor"
)
ODD = frozenset(_ODD.split())
ADDITIVE = frozenset(("Add", "Sub", "Sum", "Mean", "Max", "Min"))
ELEMENTWISE = ODD | ADDITIVE | frozenset(_OTHERS.split())


def elementwise(sight: Sight) -> Effect:
    """Any of `ELEMENTWISE`; operands are aligned in time by the schedule."""
    framed = sight.framed
    for name in framed[1:]:
        first, other = sight.layouts[framed[0]], sight.layouts[name]
        if (first.from_end, first.rate, first.extra) != (other.from_end, other.rate, other.extra):
            sight.refuse(f"its operands {framed[0]!r} and {name!r} disagree on time", "", name)
    facts = [sight.facts[name] for name in framed]
    zero = _zero(sight)
    return Effect(
        Fact(
            zero=zero,
            lead=min(fact.lead for fact in facts) if zero else 0,
            tail=min(fact.tail for fact in facts) if zero else 0,
            steady=all(fact.steady for fact in facts),
            mask=sight.node.op_type == "Cast" and facts[0].mask,
            finite=_finite(sight),
            least=_least(sight),
        )
    )


def keeps_zeros(sight: Sight) -> bool:
    """Whether this is a function of one framed input that maps zero to zero."""
    return (
        sight.node.op_type in ODD and len(sight.framed) == 1 and sight.node.input[0] in sight.facts
    )


def _zero(sight: Sight) -> bool:
    kind, names = sight.node.op_type, list(sight.node.input)
    zeros = [_is_zero(sight, name) for name in names]
    if kind in ADDITIVE:
        return all(zeros)
    if kind == "Mul":
        return any(zeros) and all(sight.facts[n].finite for n in sight.framed)
    if kind == "Where":
        masked = names[0] in sight.facts and sight.facts[names[0]].mask
        return zeros[2] and (zeros[1] or masked)
    if kind == "Clip":
        least, most = (_scalar(sight, i) for i in (1, 2))
        return zeros[0] and (least or 0) <= 0 <= (most or 0)
    if kind == "Div":
        return zeros[0] and names[1] not in sight.facts
    return keeps_zeros(sight) and zeros[0]


def _is_zero(sight: Sight, name: str) -> bool:
    if name in sight.facts:
        return sight.facts[name].zero
    return name in sight.constants and not np.any(sight.constants[name])


def _finite(sight: Sight) -> bool:
    """Whether the output is finite wherever the inputs are zeros or ordinary numbers."""
    kind, names = sight.node.op_type, list(sight.node.input)
    if not all(sight.facts[name].finite for name in sight.framed):
        return kind == "Where" and _zero(sight)
    if kind == "Div":
        return names[1] not in sight.facts or sight.facts[names[1]].least > 0
    if kind in ("Log", "Reciprocal"):
        return sight.fact.least > 0
    if kind == "Sqrt":
        return sight.fact.least >= 0
    if kind == "Pow":
        exponent = _scalar(sight, 1)
        return exponent is not None and exponent > 0 and exponent == round(exponent)
    return True


def _least(sight: Sight) -> float:
    """A lower bound of the output; minus infinity where nothing is known."""
    kind, names = sight.node.op_type, list(sight.node.input)
    bounds = [_bound(sight, name) for name in names]
    if kind == "Max":
        return max(bounds)
    if kind == "Min":
        return min(bounds)
    if kind in ("Add", "Sum"):
        return sum(bounds)
    if kind in ("Sqrt", "Cast", "Ceil", "Identity"):
        return bounds[0]
    if kind == "Clip":
        return max(bounds[0], bounds[1] if len(names) > 1 and names[1] else -math.inf)
    if kind in ("Abs", "Relu", "Sigmoid", "Softplus", "HardSigmoid", "Exp"):
        # What exp gives is above zero, but for underflow.
        return float(np.finfo(np.float32).tiny) if kind == "Exp" else 0.0
    if kind == "Pow" and _scalar(sight, 1) == 2:
        return 0.0
    if kind == "Mul" and (names[0] == names[1] or min(bounds) >= 0):
        return 0.0 if names[0] == names[1] else bounds[0] * bounds[1]
    if kind == "Div" and min(bounds) >= 0 and names[1] in sight.constants:
        return bounds[0] / float(sight.constants[names[1]].max())
    return -math.inf


def _bound(sight: Sight, name: str) -> float:
    if name in sight.facts:
        return sight.facts[name].least
    value = sight.constants.get(name)
    return float(value.min()) if value is not None and value.size else -math.inf


def _scalar(sight: Sight, index: int) -> float | None:
    names = sight.node.input
    value = sight.constants.get(names[index]) if index < len(names) else None
    return float(value.item()) if value is not None and value.size == 1 else None
