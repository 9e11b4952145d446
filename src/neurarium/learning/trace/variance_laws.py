"""What a layer makes of a signal's size, in theory: laws for its mean square, forwards and backwards.

Forwards q is the mean square of a layer's inputs over units and examples. Weights w are taken as of mean zero and
independent of the inputs, net inputs z as normal; n is the number of inputs a unit has:

    linear, convolution     n E[w^2] q + E[b^2]
    activation phi          E[phi(z)^2],  z ~ N(0, q)
    layer, group norm       E[gamma^2] q / (q + eps) + E[beta^2], as of a batch norm in training
    batch norm              E[gamma^2] + E[beta^2], once its running statistics have been taken
    flatten                 q
    dropout                 q, in training q / (1 - p)
    embedding               E[w^2]

Backwards d is the mean square of the error signal at a layer's outputs, m the number of outputs that an input reaches:

    linear, convolution     m E[w^2] d
    activation phi          E[phi'(z)^2] d,  z ~ N(0, q)
    layer, group norm       E[gamma^2] d / (q + eps), as of a batch norm in training
    batch norm              E[gamma^2 / (running variance + eps)] d
    flatten                 d
    dropout                 d, in training d / (1 - p)

n and m leave out zero padding. Normalization is taken to see inputs of mean zero.

Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010;
K. He et al., "Delving deep into rectifiers", 2015; B. Poole et al., "Exponential expressivity in deep neural networks
through transient chaos", 2016.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from neurarium.learning.trace.units import length
from neurarium.nets.parts.activation import ACTIVATIONS
from neurarium.nets.parts.initial import gaussian_mean_square

NET_INPUTS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.LayerNorm, nn.GroupNorm, _BatchNorm)
"""Layers whose outputs are taken as normal with mean zero."""
ELEMENTWISE = (
    *(type(entry.module()) for entry in ACTIVATIONS.values() if entry.name != "identity"),
    nn.ELU, nn.SELU, nn.CELU, nn.Mish, nn.Softsign, nn.LogSigmoid, nn.Hardtanh, nn.ReLU6, nn.Hardswish,
)  # fmt: skip

_ALPHA = (nn.AlphaDropout, nn.FeatureAlphaDropout)


def forward_law(layer: nn.Module, q: float, fraction: float = 1.0, normal: bool = True) -> float | None:
    """Mean square of a layer's outputs.

    Args:
        q: mean square of its inputs.
        fraction: part of its kernel that lies over the input; see `kernel_fraction`.
        normal: whether its inputs may be taken as normal with mean zero, as activations need.
    Returns: None where there is no law for such a layer.

    Example:
        >>> [forward_law(layer, 4.0) for layer in (nn.Dropout(0.5), nn.ReLU(), nn.MaxPool2d(2))]
        [8.0, 2.0, None]
    """
    match layer:
        case nn.Linear() | nn.Conv1d() | nn.Conv2d() | nn.Conv3d():
            return layer.weight[0].numel() * fraction * mean_square(layer.weight) * q + _mean_square_of(
                layer, "bias", 0.0
            )
        case _ if keeps(layer):
            return q
        case _DropoutNd():
            return None if isinstance(layer, _ALPHA) else q * _dropout_gain(layer.p)
        case nn.Embedding():
            return mean_square(layer.weight)
        case _BatchNorm() if layer.running_var is not None and not layer.training:
            gain = q / (1 + layer.eps) if layer.num_batches_tracked == 0 else 1.0
        case nn.LayerNorm() | nn.GroupNorm() | _BatchNorm():
            gain = q / (q + layer.eps)
        case nn.ReLU() | nn.PReLU() if normal:
            return q * _rectified(layer)
        case _ if normal and isinstance(layer, ELEMENTWISE):
            return gaussian_mean_square(layer.forward, q)
        case _:
            return None
    return _mean_square_of(layer, "weight", 1.0) * gain + _mean_square_of(layer, "bias", 0.0)


def backward_law(
    layer: nn.Module, q: float, fraction: float = 1.0, per_input: float = 1.0, normal: bool = True
) -> float | None:
    """Factor on the error signal's mean square, from a layer's outputs to its inputs.

    Args:
        q: mean square of its inputs.
        fraction: part of its kernel that lies over the input.
        per_input: numbers put out for one number taken in; m = n fraction per_input.
        normal: whether its inputs may be taken as normal with mean zero, as activations need.
    Returns: None where there is no law for such a layer.
    """
    match layer:
        case nn.Linear() | nn.Conv1d() | nn.Conv2d() | nn.Conv3d():
            return layer.weight[0].numel() * fraction * per_input * mean_square(layer.weight)
        case _ if keeps(layer):
            return 1.0
        case _DropoutNd():
            return None if isinstance(layer, _ALPHA) else _dropout_gain(layer.p)
        case _BatchNorm() if layer.running_var is not None and not layer.training:
            scale = 1.0 if layer.weight is None else layer.weight.detach().square()
            return (scale / (layer.running_var + layer.eps)).mean().item()
        case nn.LayerNorm() | nn.GroupNorm() | _BatchNorm():
            return _mean_square_of(layer, "weight", 1.0) / (q + layer.eps)
        case nn.ReLU() | nn.PReLU() if normal:
            return _rectified(layer)
        case _ if normal and isinstance(layer, ELEMENTWISE):
            return gaussian_mean_square(lambda z: _derivative(layer, z), q)
        case _:
            return None


def keeps(layer: nn.Module) -> bool:
    """Whether a layer leaves the distribution of numbers as it is."""
    return isinstance(layer, nn.Identity | nn.Flatten | nn.Unflatten) or (
        isinstance(layer, _DropoutNd) and not (layer.training and layer.p > 0)
    )


def kernel_fraction(layer: nn.Module, shape: torch.Size) -> float:
    """Mean fraction of a convolution's kernel that lies over its input of `shape`; 1 for a linear layer.

    Example:
        >>> round(kernel_fraction(nn.Conv1d(1, 1, 3, padding=1), torch.Size([1, 1, 4])), 4)  # (2 + 3 + 3 + 2) / (4 * 3)
        0.8333
    """
    if not isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d) or layer.padding_mode != "zeros":
        return 1.0
    space = len(layer.kernel_size)
    convolve: Any = (nn.functional.conv1d, nn.functional.conv2d, nn.functional.conv3d)[space - 1]
    ones, kernel = torch.ones(1, 1, *shape[-space:]), torch.ones(1, 1, *layer.kernel_size)
    covered = convolve(ones, kernel, None, layer.stride, layer.padding, layer.dilation)
    return covered.mean().item() / kernel.numel()


def mean_square(x: Tensor) -> float:
    """E[x^2] over all entries."""
    return length(x) ** 2 / x.numel()


def _rectified(layer: nn.ReLU | nn.PReLU) -> float:
    """What a rectifier leaves of either signal; the general expectation would take a hundred times as long."""
    return (1 + (mean_square(layer.weight) if isinstance(layer, nn.PReLU) else 0.0)) / 2


def _dropout_gain(p: float) -> float:
    return 1 / (1 - p) if p < 1 else 0.0


def _mean_square_of(layer: nn.Module, parameter: str, otherwise: float) -> float:
    value = getattr(layer, parameter)
    return otherwise if value is None else mean_square(value)


def _derivative(layer: nn.Module, z: Tensor) -> Tensor:
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        # a clone, for layers that work in place: a leaf does not bear it
        return torch.autograd.grad(layer.forward(z.clone()).sum(), z)[0]
