"""The Jacobian of one use of a layer, by the shortest way that its kind allows."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from neurarium.learning.trace.jacobian import Spectrum, diagonal_spectrum, function_spectrum, matrix_spectrum
from neurarium.learning.trace.recording import Use
from neurarium.learning.trace.structure import floats_in, mapped
from neurarium.nets.evaluating import evaluating
from neurarium.nets.parts.activation import Sign, Step, Swish

# y_i depends on x_i alone; a reshape keeps each number
_ELEMENTWISE = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus,
    nn.Softsign, nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Tanhshrink,
    nn.Hardshrink, nn.Softshrink, nn.Threshold, nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Dropout1d,
    nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout, nn.modules.batchnorm._BatchNorm, Sign, Step,
    Swish,
)  # fmt: skip
# the same Jacobian for every example
_AFFINE = (nn.Linear, nn.modules.conv._ConvNd, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)


def layer_spectrum(use: Use, count: int, iterations: int, generator: torch.Generator) -> Spectrum | None:
    """Measure dy/dx of single examples, y being the layer's first tensor.

    x are the floating-point inputs that depend on a parameter, on another layer or on the net's inputs. A tensor that
    comes in twice, as in self-attention, counts once. Dropout is switched off; a batch normalization in training keeps
    the mean and variance of its batch, so that an example's own small part in them is left out.
    Returns: None where there is no floating-point input, or where the layer cannot be run on a few examples alone.
    """
    layer, sources = use.layer, use.sources
    if not sources:
        return None
    if type(layer) is nn.Linear and len(use.output_shape) == 1:
        return matrix_spectrum(layer.weight, count, iterations, generator)
    with evaluating(layer), sdpa_kernel(SDPBackend.MATH), torch.backends.cudnn.flags(enabled=False):
        try:
            if isinstance(layer, _ELEMENTWISE):
                x = sources[0][0].movedim(sources[0][1], 0)
                return diagonal_spectrum(lambda x: _run(use, sources[:1], [x]), x, count)
            inputs = [x.movedim(axis, 0) for x, axis in sources]
            inputs = [x[:1] for x in inputs] if isinstance(layer, _AFFINE) else inputs
            outputs = math.prod(use.output_shape)
            return function_spectrum(
                lambda rows: _run(use, sources, rows), inputs, outputs, count, iterations, generator
            )
        except (RuntimeError, IndexError, ValueError, TypeError, AssertionError):
            # layers refuse in many ways: a mask of the wrong size, no second derivative, packed sequences
            return None


def _run(use: Use, sources: list[tuple[Tensor, int]], rows: list[Tensor]) -> Tensor:
    """Run the layer with other rows in place of its sources; other tensors of examples are repeated to fit.

    `rows`: in place of each source, the examples first.
    Returns: the layer's first tensor, the examples first.
    """
    count, kept = len(rows[0]), sources[0][0].shape[sources[0][1]]
    given = {id(x): r.movedim(0, axis) for (x, axis), r in zip(sources, rows, strict=True)}

    def replaced(x: Tensor) -> Tensor:
        if id(x) in given:
            return given[id(x)]
        axis = use.axes[id(x)]
        if axis is None or count == kept:
            return x
        return x.repeat_interleave(count // kept, axis) if count > kept else x.narrow(axis, 0, count)

    args, kwargs = mapped((use.args, use.kwargs), replaced)
    if use.moments is not None:
        return _normalized(use.layer, args[0], use.moments)
    y = floats_in(use.layer.forward(*args, **kwargs))[0].movedim(use.axis, 0)
    if len(y) != count:
        raise RuntimeError(f"{use.name}: {count} examples make {len(y)} outputs")
    return y


def _normalized(layer: nn.Module, x: Tensor, moments: tuple[Tensor, Tensor]) -> Tensor:
    assert isinstance(layer, nn.modules.batchnorm._BatchNorm)
    return F.batch_norm(x, *moments, layer.weight, layer.bias, training=False, eps=layer.eps)
