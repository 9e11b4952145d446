"""Numbers that say which row of a table is meant: tokens, species, nodes."""

import torch
from torch import Tensor

from neurarium.checks import ShapeError


def check_places(index: Tensor, count: int, subject: str, what: str) -> None:
    """Refuse numbers of rows that are not there; on an accelerator they are trusted, as a look would wait for it.

    Raises ShapeError: no integers, one below 0, or one from `count` on.
    """
    if index.is_floating_point() or index.dtype == torch.bool:
        raise ShapeError(subject, expected=f"integers, numbers of {what}", got=f"type {index.dtype}")
    if index.device.type != "cpu" or not index.numel() or torch.compiler.is_compiling():
        return
    low, high = (int(end) for end in index.aminmax())
    if low < 0 or high >= count:
        wrong = low if low < 0 else high
        raise ShapeError(subject, expected=f"numbers of {count} {what}, 0 to {count - 1}", got=str(wrong))
