"""Tensors inside tuples, lists and dictionaries, as layers take and give them."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in `value`, in order.

    Example:
        >>> import torch
        >>> [len(x) for x in tensors_in((torch.zeros(3), {"state": [torch.zeros(2)]}, None))]
        [3, 2]
    """
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from (tensor for inner in value.values() for tensor in tensors_in(inner))
    elif isinstance(value, list | tuple):
        yield from (tensor for inner in value for tensor in tensors_in(inner))


def floats_in(value: Any) -> list[Tensor]:
    """Return the floating-point tensors in `value` that hold at least one number."""
    return [tensor for tensor in tensors_in(value) if tensor.is_floating_point() and tensor.numel()]


def mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return `value` with `change` applied to each of its tensors.

    Example:
        >>> import torch
        >>> mapped([torch.ones(1), 7], lambda x: x + 1)
        [tensor([2.]), 7]
    """
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {name: mapped(inner, change) for name, inner in value.items()}
    if isinstance(value, tuple):
        inner = [mapped(entry, change) for entry in value]
        # a named tuple takes its fields one by one
        return tuple(inner) if type(value) is tuple else type(value)(*inner)
    return [mapped(entry, change) for entry in value] if isinstance(value, list) else value
