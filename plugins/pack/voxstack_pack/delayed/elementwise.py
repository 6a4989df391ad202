"""Rules for the operators that work element by element."""

from __future__ import annotations

import math

import numpy as np

from voxstack_pack.delayed.facts import Effect, Fact
from voxstack_pack.delayed.nodes import NodeView

# Functions that map zero to zero.
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


def elementwise(view: NodeView) -> Effect:
    """Step one of `ELEMENTWISE`; the schedule aligns its operands in time."""
    framed = view.framed
    for name in framed[1:]:
        first, other = view.layouts[framed[0]], view.layouts[name]
        if (first.from_end, first.rate, first.extra) != (other.from_end, other.rate, other.extra):
            view.refuse(
                f"its operands {framed[0]!r} and {name!r} have different time axes",
                "Keep time the last axis of both, at one rate",
                name,
            )
    facts = [view.facts[name] for name in framed]
    zero = _zero(view)
    return Effect(
        Fact(
            zero=zero,
            lead=min(fact.lead for fact in facts) if zero else 0,
            tail=min(fact.tail for fact in facts) if zero else 0,
            steady=all(fact.steady for fact in facts),
            mask=view.node.op_type == "Cast" and facts[0].mask,
            finite=_finite(view),
            least=_least(view),
        )
    )


def keeps_zeros(view: NodeView) -> bool:
    """Return whether the node is a function of one framed input that maps zero to zero."""
    return view.node.op_type in ODD and len(view.framed) == 1 and view.node.input[0] in view.facts


def _zero(view: NodeView) -> bool:
    kind, names = view.node.op_type, list(view.node.input)
    zeros = [_is_zero(view, name) for name in names]
    if kind in ADDITIVE:
        return all(zeros)
    if kind == "Mul":
        return any(zeros) and all(view.facts[n].finite for n in view.framed)
    if kind == "Where":
        masked = names[0] in view.facts and view.facts[names[0]].mask
        return zeros[2] and (zeros[1] or masked)
    if kind == "Clip":
        least, most = (_scalar(view, i) for i in (1, 2))
        return zeros[0] and (least or 0) <= 0 <= (most or 0)
    if kind == "Div":
        return zeros[0] and names[1] not in view.facts
    return keeps_zeros(view) and zeros[0]


def _is_zero(view: NodeView, name: str) -> bool:
    if name in view.facts:
        return view.facts[name].zero
    return name in view.constants and not np.any(view.constants[name])


def _finite(view: NodeView) -> bool:
    """Return whether the output is finite when all inputs are zeros or finite numbers."""
    kind, names = view.node.op_type, list(view.node.input)
    if not all(view.facts[name].finite for name in view.framed):
        return kind == "Where" and _zero(view)
    if kind == "Div":
        return names[1] not in view.facts or view.facts[names[1]].least > 0
    if kind in ("Log", "Reciprocal"):
        return view.fact.least > 0
    if kind == "Sqrt":
        return view.fact.least >= 0
    if kind == "Pow":
        exponent = _scalar(view, 1)
        return exponent is not None and exponent > 0 and exponent == round(exponent)
    return True


def _least(view: NodeView) -> float:
    """Return a lower bound of the output, minus infinity if it is unknown."""
    kind, names = view.node.op_type, list(view.node.input)
    bounds = [_bound(view, name) for name in names]
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
        # exp is positive, except for underflow.
        return float(np.finfo(np.float32).tiny) if kind == "Exp" else 0.0
    if kind == "Pow" and _scalar(view, 1) == 2:
        return 0.0
    if kind == "Mul" and (names[0] == names[1] or min(bounds) >= 0):
        return 0.0 if names[0] == names[1] else bounds[0] * bounds[1]
    if kind == "Div" and min(bounds) >= 0 and names[1] in view.constants:
        return bounds[0] / float(view.constants[names[1]].max())
    return -math.inf


def _bound(view: NodeView, name: str) -> float:
    if name in view.facts:
        return view.facts[name].least
    value = view.constants.get(name)
    return float(value.min()) if value is not None and value.size else -math.inf


def _scalar(view: NodeView, index: int) -> float | None:
    names = view.node.input
    value = view.constants.get(names[index]) if index < len(names) else None
    return float(value.item()) if value is not None and value.size == 1 else None
