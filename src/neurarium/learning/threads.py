"""One CPU thread for a chain of short calls: to wake a second one, and wait for it, costs more than it gains."""

import contextlib
from collections.abc import Iterator

import torch

SMALL = 1 << 29
"""Multiply-adds of one product below which a single thread is used. Softmax regression in 10 classes on two cores:

| examples x features | one thread | two, which wait for each other actively |
|---|---|---|
| 1,437 x 64 | 9 ms | 400 ms |
| 4,000 x 784 | 0.4 s | 1.2 s |
| 40,000 x 784 | 3.0 s | 6.7 s |
"""


@contextlib.contextmanager
def threads_for(multiply_adds: int) -> Iterator[None]:
    """Compute with one thread inside, where a product is small; with as many as before otherwise, and afterwards.

    Args:
        multiply_adds: of the largest product inside.

    Example:
        >>> with threads_for(100):
        ...     torch.get_num_threads()
        1
    """
    before = torch.get_num_threads()
    if multiply_adds >= SMALL or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
