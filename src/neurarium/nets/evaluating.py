"""A net in evaluation mode for as long as it is looked at."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Put a net into evaluation mode; afterwards each of its parts is in the mode it was in."""
    modes = [(module, module.training) for module in net.modules()]
    try:
        net.eval()
        yield
    finally:
        for module, training in modes:
            module.training = training
