"""Leave a net as it was, whatever is done with it."""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from neurarium.nets.evaluating import keeping_modes


@contextlib.contextmanager
def undisturbed(net: nn.Module) -> Iterator[None]:
    """Put back, also after an error: training modes, buffers (running statistics), random generators of all devices.

    Parameters and their gradients are left to the caller, who should take gradients by `torch.autograd.grad`.

    Example:
        >>> layer = nn.BatchNorm1d(2)
        >>> with undisturbed(layer):
        ...     _ = layer(torch.ones(3, 2)), layer.eval()
        >>> layer.running_mean, layer.training
        (tensor([0., 0.]), True)
    """
    buffers = [
        (module, name, buffer, buffer.detach().clone())
        for module in net.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    devices = sorted({p.device.index for p in net.parameters() if p.device.type == "cuda"})
    try:
        with keeping_modes(net), torch.random.fork_rng(devices=devices):
            yield
    finally:
        with torch.no_grad():
            for module, name, buffer, before in buffers:
                module._buffers[name] = buffer
                buffer.copy_(before)
