"""Faster linear layers on the CPU: matrix products by oneDNN in place of MKL.

torch multiplies float32 matrices with MKL, which on processors of another maker than its own runs at half the speed
of oneDNN, the library that torch already carries for its convolutions. Inside the context `FastLinear()` every
`torch.nn.functional.linear`, hence every `torch.nn.Linear` of any net, takes oneDNN forward and backward:

    y = x W^T + b;    dL/dx = g W,    dL/dW = g^T x,    dL/db = sum over the batch of g

Same sums in another order: results agree to rounding, not to the bit.
"""

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

# Below this count of multiplications the call costs more than the faster product saves.
LEAST_WORK = 1 << 22


def is_available() -> bool:
    """Whether torch carries both libraries, so that there is a choice."""
    return torch.backends.mkldnn.is_available() and torch.backends.mkl.is_available() and _operator() is not None


class FastLinear(TorchFunctionMode):
    """Context in which linear layers of float32 on the CPU compute by oneDNN; all else is as ever.

    Example:
        >>> layer, x = torch.nn.Linear(600, 300), torch.randn(64, 600)
        >>> with FastLinear():
        ...     y = layer(x)
        >>> torch.allclose(y, layer(x), atol=1e-5)
        True
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Take over calls of `linear`."""
        if func is F.linear and not kwargs and len(args) == 3 and _suits(*args):
            return _Linear.apply(*args)  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.biased = bias is not None
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        (g,) = gradients
        x, weight = ctx.saved_tensors
        # A backward that is itself differentiated (gradient penalties) goes by the operations that torch can follow.
        multiply = F.linear if torch.is_grad_enabled() else _product
        rows, flat = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
        dx = multiply(g, weight.t()) if ctx.needs_input_grad[0] else None
        dweight = multiply(rows.t(), flat.t()) if ctx.needs_input_grad[1] else None
        dbias = rows.sum(0) if ctx.biased and ctx.needs_input_grad[2] else None
        return dx, dweight, dbias


def _suits(x: Tensor, weight: Tensor, bias: Tensor | None) -> bool:
    """Plain float32 tensors on the CPU, enough of them; neither traced by the compiler nor inside torch.func."""
    return (
        x.dtype is torch.float32
        and weight.dtype is torch.float32
        and x.device.type == "cpu"
        and x.dim() >= 2
        and x.numel() * weight.shape[0] >= LEAST_WORK
        and type(x) is Tensor
        and not torch.compiler.is_compiling()
        and not torch._C._are_functorch_transforms_active()
    )


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """X W^T + b by the operator that torch's own compiler puts in the place of `linear` on the CPU."""
    # part of a larger matrix, which neither it nor its transpose fills: oneDNN has only its reference code for such
    # weights, a thousand times slower than a copy
    if not weight.is_contiguous() and not weight.t().is_contiguous():
        weight = weight.contiguous()
    y: Tensor = _operator()(x, weight, bias, "none", [], "")
    return y


@functools.cache
def _operator() -> Any:
    """The operator, or none: it is not part of torch's promised interface."""
    try:
        return torch.ops.mkldnn._linear_pointwise.default
    except (AttributeError, RuntimeError):
        return None
