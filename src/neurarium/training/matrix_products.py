"""Linear layers on the CPU: matrix products by MKL, as torch takes it, or by oneDNN, whichever is faster here.

torch multiplies float32 matrices with MKL. oneDNN, which it carries for its convolutions, takes half the time on some
processors and half as long again on others, so both are measured (`choose_products`). Inside the context `FastLinear()`
every `torch.nn.functional.linear`, hence every `torch.nn.Linear` of any net, takes oneDNN forward and backward:

    y = x W^T + b;    dL/dx = g W,    dL/dW = g^T x,    dL/db = sum over the batch of g

Same sums in another order: results agree to rounding, not to the bit.
"""

import contextlib
import functools
import math
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from neurarium.record.choices import fastest

Products = Literal["auto", "mkl", "onednn"]

# Below this count of multiplications the call costs more than the faster product saves.
LEAST_WORK = 1 << 22


class LargestLinear(TorchFunctionMode):
    """Context that notes the largest linear layer computed inside: its rows, inputs and outputs.

    Example:
        >>> with LargestLinear() as largest:
        ...     y = torch.nn.Linear(3, 5)(torch.zeros(2, 3))
        >>> largest.sizes
        (2, 3, 5)
    """

    sizes: tuple[int, int, int] | tuple[()] = ()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Look at calls of `linear`."""
        if func is F.linear and len(args) >= 2 and args[0].numel() and args[1].dim() == 2:
            outputs, inputs = args[1].shape
            self.sizes = max(self.sizes, (args[0].numel() // inputs, inputs, outputs), key=math.prod)
        return func(*args, **(kwargs or {}))


def choose_products(rows: int, inputs: int, outputs: int) -> Products:
    """Measure which library computes a linear layer faster, there and back, unless it is known (`record.choices`).

    "auto", torch's own, where the layer is too small for the other to help. The work is that of a few such layers.
    """
    if rows * inputs * outputs < LEAST_WORK:
        return "auto"
    ways: dict[Products, contextlib.AbstractContextManager[object]] = {"mkl": contextlib.nullcontext()}
    if is_available():
        ways["onednn"] = FastLinear()
    generator = torch.Generator().manual_seed(0)
    x, weight, g = (torch.randn(s, generator=generator) for s in ((rows, inputs), (outputs, inputs), (rows, outputs)))
    bias = torch.zeros(outputs)

    def there_and_back(products: contextlib.AbstractContextManager[object]) -> None:
        with torch.enable_grad(), products:
            leaves = [tensor.detach().requires_grad_() for tensor in (x, weight, bias)]
            torch.autograd.grad(F.linear(*leaves), leaves, g)

    sizes = f"float32 {rows} x {inputs} x {outputs}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    return fastest("matrix_products", sizes, {name: partial(there_and_back, way) for name, way in ways.items()})


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
