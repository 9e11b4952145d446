"""What one operation of torch costs, in multiply-adds: products whose results are added up.

Torch's FLOP counter knows the formulas of convolutions, matrix products and attention; it counts a multiply-add as two.
Those that it lacks stand here. Operations on single elements, normalization, pooling, Fourier transforms and the
addition of a bias count as nothing, as is usual.
"""

from functools import cache
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

Shape = tuple[int, ...]

# What multiplies and adds up by these names has no formula.
_UNKNOWN = (
    "linalg", "cdist", "grid_sampler", "trilinear", "addbmm", "addmm", "matmul", "_mm", "conv_", "convolution",
    "attention", "transformer", "miopen_rnn", "_mps", "quantized", "inverse", "cholesky", "triangular_solve",
)  # fmt: skip


def multiply_adds(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> int | None:
    """Multiply-adds of an operation as a dispatch mode sees it; None where nobody knows them."""
    name = operation.overloadpacket.__name__.removesuffix("_")  # which says where the result goes, not what is done
    if operation.namespace not in ("aten", "prim"):  # may do anything
        return None
    if name in _formulas():
        dense = all(x.layout == torch.strided for x in args if isinstance(x, Tensor))
        return _formulas()[name](*args, **kwargs, out_val=output) // 2 if dense else None
    return None if any(part in name for part in _UNKNOWN) else 0


@cache
def _formulas() -> dict[str, Any]:
    """FLOPs by name of an operation, from the shapes of tensors."""
    aten = torch.ops.aten
    more = {
        aten.mv: _of_vector,
        aten.dot: _of_vector,
        aten.addmv: lambda added, *shapes, **_: _of_vector(*shapes),
        aten._scaled_dot_product_flash_attention_for_cpu: _of_attention,
        aten._scaled_dot_product_fused_attention_overrideable: _of_attention,
        aten.mkldnn_rnn_layer: lambda x, inner, recurrent, *_, **__: _of_recurrence(x, [inner, recurrent]),
        aten._cudnn_rnn: lambda x, weights, *_, **__: _of_recurrence(x, weights),
    }
    counter = FlopCounterMode(display=False, custom_mapping=more)
    return {operation.__name__: formula for operation, formula in counter.flop_registry.items()}


def _of_vector(matrix: Shape, vector: Shape, **_: Any) -> int:
    return 2 * prod(matrix)


def _of_attention(query: Shape, key: Shape, value: Shape, *_: Any, **__: Any) -> int:
    return 2 * prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _of_recurrence(x: Shape, weights: list[Shape]) -> int:
    """Every step of every example meets each matrix once, whatever the number of gates."""
    return 2 * prod(x[:-1]) * sum(prod(weight) for weight in weights if len(weight) > 1)
