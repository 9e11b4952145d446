"""The linear recurrence over time, real or complex: what minGRU, minLSTM and the LRU have in common.

    h_t = a_t h_(t-1) + b_t

Two steps are one of the same kind, (a, b) then (a', b') = (a' a, a' b + b'), so that the states can be had in any order
of grouping: in one pass, or in time O(log T) on T processors. Its gradient is the same recurrence backwards:

    g_t = dL/dh_t + conj(a_(t+1)) g_(t+1),    dL/db_t = g_t,    dL/da_t = g_t conj(h_(t-1)),    dL/dh_0 = conj(a_1) g_1

Memory is that of h and of what is handed out, linear in T. Everything is computed in linear space: forms in the space
of logarithms lose three digits over long sequences, and take no a_t of 0.

Sources: G. Blelloch, "Prefix sums and their applications", 1990; E. Martin, C. Cundy, "Parallelizing linear recurrent
neural nets over sequence length", 2018.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurarium.checks import ShapeError, choose
from neurarium.nets.recurrent import scan_numba
from neurarium.nets.recurrent.scan_forms import backward_by, by_halves, by_steps


@dataclass(frozen=True)
class Form:
    """A way to compute the scan and its gradients."""

    forward: Callable[[Tensor, Tensor, Tensor, bool], Tensor]
    backward: Callable[[Tensor, Tensor, Tensor, Tensor, bool, bool], tuple[Tensor | None, Tensor, Tensor]]


FORMS = {
    "compiled": Form(scan_numba.forward, scan_numba.backward),
    "steps": Form(by_steps, functools.partial(backward_by, by_steps)),
    "halves": Form(by_halves, functools.partial(backward_by, by_halves)),
}
"""In one compiled pass (numba, on the CPU), step by step in place, and in logarithmic depth; equal to rounding."""


def scan(
    a: Shaped[Tensor, "..."],
    b: Shaped[Tensor, "..."],
    h0: Shaped[Tensor, "..."] | None = None,
    *,
    dim: int = 1,
    reverse: bool = False,
    form: str | None = None,
) -> Shaped[Tensor, "..."]:
    """Return h_1 ... h_T of the recurrence above, of the shape to which `a` and `b` broadcast.

    Differentiable once. `a` that is the same for all steps or all rows is not spread out. Types are promoted;
    half-precision numbers are computed, and returned, in float32.

    Args:
        a: factors, real or complex; of any size, though with |a| > 1 the states grow as they must.
        b: what is added, by default (batch, time, features).
        h0: the state before the first step, of that shape without `dim`; None: zero.
        dim: the dimension of time.
        reverse: from the last step to the first, h_t = a_t h_(t+1) + b_t; `h0` is then what comes behind the last.
        form: a name in `FORMS`; None: the fastest here.
    Raises ShapeError: shapes that do not broadcast, no such dimension, or no step; ConfigError: no such form.

    Example:
        >>> scan(torch.tensor(0.5), torch.ones(1, 4, 1)).flatten()
        tensor([1.0000, 1.5000, 1.7500, 1.8750])
    """
    a, b, h0, shape = _as_rows(a, b, h0, dim)
    if torch.compiler.is_compiling():  # what is traced and exported knows torch's own operations alone
        return by_halves(a, b, h0, reverse).view(shape)
    h: Tensor = _Scan.apply(a, b, h0, reverse, choose(form or _fastest(b), FORMS, "form"))  # type: ignore[no-untyped-call]
    return h.view(shape)


def _fastest(b: Tensor) -> str:
    if b.device.type != "cpu":
        return "halves"
    return "compiled" if scan_numba.available() else "steps"


def _as_rows(a: Tensor, b: Tensor, h0: Tensor | None, dim: int) -> tuple[Tensor, Tensor, Tensor, torch.Size]:
    """a as (1 or outer, 1 or time, inner), b as (outer, time, inner), h0 as (outer, inner), and the result's shape."""
    try:
        shape = torch.broadcast_shapes(a.shape, b.shape)
    except RuntimeError as error:
        raise ShapeError(
            "scan", expected="a and b that broadcast", got=f"shapes {tuple(a.shape)} and {tuple(b.shape)}"
        ) from error
    if not -len(shape) <= dim < len(shape) or not shape[dim]:
        raise ShapeError("scan", expected=f"at least one step along dimension {dim}", got=f"shape {tuple(shape)}")
    dim %= len(shape)
    around = shape[:dim] + shape[dim + 1 :]
    dtype = torch.promote_types(a.dtype, b.dtype)
    if h0 is not None:
        dtype = torch.promote_types(dtype, h0.dtype)
    dtype = torch.promote_types(dtype, torch.float32)
    outer, time, inner = math.prod(shape[:dim]), shape[dim], math.prod(shape[dim + 1 :])
    state = b.new_zeros(outer, inner, dtype=dtype) if h0 is None else _expanded(h0, around).reshape(outer, inner)
    a = a.view([1] * (len(shape) - a.ndim) + list(a.shape))
    own = [*(shape[:dim] if any(size > 1 for size in a.shape[:dim]) else [1] * dim), a.shape[dim], *shape[dim + 1 :]]
    factors = a.expand(own).reshape(math.prod(own[:dim]), own[dim], inner)
    rows = b.expand(shape).reshape(outer, time, inner)
    return factors.to(dtype), rows.to(dtype), state.to(dtype), shape


def _expanded(h0: Tensor, shape: torch.Size) -> Tensor:
    try:
        return h0.expand(shape)
    except RuntimeError as error:
        raise ShapeError("h0", expected=f"a state of shape {tuple(shape)}", got=f"shape {tuple(h0.shape)}") from error


class _Scan(torch.autograd.Function):
    """The scan of rows with the gradients above."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h0: Tensor, reverse: bool, form: Form) -> Tensor:
        """h; it and a are kept for the way back, no copy of either."""
        h = form.forward(a, b, h0, reverse)
        ctx.save_for_backward(a, h0, h)
        ctx.reverse, ctx.form = reverse, form
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients by a, b and h0."""
        a, h0, h = ctx.saved_tensors
        found = ctx.form.backward(a, h, h0, grad, ctx.reverse, ctx.needs_input_grad[0])
        return *(g if needed else None for g, needed in zip(found, ctx.needs_input_grad, strict=False)), None, None
