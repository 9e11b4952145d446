"""One CPU thread for small work: calls that take microseconds lose more by waking a second one than they gain."""

import contextlib
from collections.abc import Iterator

import torch

SMALL = 1 << 22
"""Multiply-adds of one product below which a single thread is used. Softmax regression on 1,437 examples of 64 features
in 10 classes (920,000) takes 10 ms on one thread here; on two, which wait for each other actively, 400 ms."""


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
