"""A net in evaluation mode for as long as it is looked at."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def keeping_modes(net: nn.Module) -> Iterator[None]:
    """Put each part of a net back into the mode that it was in, training or evaluation, also after an error."""
    modes = [(module, module.training) for module in net.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Put a net into evaluation mode; afterwards each of its parts is in the mode it was in."""
    with keeping_modes(net):
        net.eval()
        yield
