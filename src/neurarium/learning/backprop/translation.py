"""Modules as layers of a chain: which rule stands for which `nn.Module`, with the module's own parameters.

A rule reads its module's parameters, buffers and training mode at each pass, so that chain and module stay one net.
"""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from neurarium.checks import ConfigError
from neurarium.learning.backprop import elementwise, normalization, pooling, sequence_layers
from neurarium.learning.backprop.convolution import convolution_backward, convolution_forward
from neurarium.learning.backprop.dropout import dropout_backward, dropout_forward
from neurarium.learning.backprop.embedding import embedding_backward, embedding_forward
from neurarium.learning.backprop.layer import Layer
from neurarium.learning.backprop.linear import linear_backward, linear_forward
from neurarium.learning.backprop.place import Place, Translation
from neurarium.learning.backprop.softmax import softmax_backward, softmax_forward
from neurarium.nets.interfaces import Layered
from neurarium.nets.parts import activation
from neurarium.nets.parts.normalization.batch import BatchNorm
from neurarium.nets.recurrent.encoder import CausalStack, EncoderStack
from neurarium.nets.recurrent.sequence_net import SequenceNet
from neurarium.nets.recurrent.tdnn import TimeDelayLayer


def translate(module: nn.Module) -> list[Layer]:
    """Rules of a module's layers in the order of computation.

    Raises ConfigError: a layer or a setting without a rule.

    Example:
        >>> from neurarium.nets.feedforward.mlp import MLP
        >>> [layer.name for layer in translate(MLP((4, 3, 2)))]
        ['entering', 'layers.linear1', 'layers.relu1', 'layers.linear2']
    """
    return list(_layers(module, Place("", {id(p): name for name, p in module.named_parameters()})))


def _layers(module: nn.Module, at: Place) -> Iterator[Layer]:
    # a class derived from one that is layered may compute something else
    if isinstance(module, Layered) and Layered in type(module).__bases__:
        yield _entering(module, at.below("entering"))
        yield from _layers(module.layers, at.below("layers"))
    elif type(module) in TRANSLATIONS:
        yield TRANSLATIONS[type(module)](module, at)
    elif type(module) in COMPOSED:
        yield from COMPOSED[type(module)](module, at, _layers)
    else:
        known = ", ".join(kind.__name__ for kind in [*TRANSLATIONS, *COMPOSED])
        raise ConfigError(
            f"layer {at.name}" if at.name else "net",
            expected=f"one of {known}, or a layered net (MLP, LeNet5)",
            got=type(module).__name__,
            remedy="train it with gradients by autograd, or build a Chain from Layers of your own",
        )


def _sequential(m: nn.Sequential, at: Place, layers: Translation) -> Iterator[Layer]:
    # named_children() would leave out a layer's second appearance
    for name, child in m._modules.items():
        assert child is not None
        yield from layers(child, at.below(name))


def _plain(at: Place, forward: Callable[[Tensor], tuple[Tensor, Any]], backward: Callable[..., Tensor]) -> Layer:
    """A layer without parameters."""
    return Layer(at.name, forward, lambda delta, cache, to_input: (backward(delta, cache),))


def _linear(m: nn.Linear, at: Place) -> Layer:
    return Layer(
        at.name, lambda x: linear_forward(x, m.weight, m.bias), linear_backward, at.parameters(m.weight, m.bias)
    )


def _convolution(m: nn.Conv1d | nn.Conv2d, at: Place) -> Layer:
    at.require(m, "padding_mode", "zeros")
    padding = m.padding
    if padding == "same":
        margins = [e * (f - 1) for e, f in zip(m.dilation, m.kernel_size, strict=True)]
        if any(total % 2 for total in margins):
            at.require(m, "padding", "the same number of zeros on both sides")
        padding = tuple(total // 2 for total in margins)
    zeros = 0 if isinstance(padding, str) else padding

    def forward(x: Tensor) -> tuple[Tensor, Any]:
        return convolution_forward(
            x, m.weight, m.bias, stride=m.stride, padding=zeros, dilation=m.dilation, groups=m.groups
        )

    return Layer(at.name, forward, convolution_backward, at.parameters(m.weight, m.bias))


def _embedding(m: nn.Embedding, at: Place) -> Layer:
    for setting, expected in (("max_norm", None), ("scale_grad_by_freq", False), ("sparse", False)):
        at.require(m, setting, expected)
    return Layer(
        at.name,
        lambda tokens: embedding_forward(tokens, m.weight, m.padding_idx),
        lambda delta, cache, to_input: (None, embedding_backward(delta, cache)),
        at.parameters(m.weight),
    )


def _layer_norm(m: nn.LayerNorm, at: Place) -> Layer:
    if len(m.normalized_shape) != 1:
        at.require(m, "normalized_shape", m.normalized_shape[-1:])
    return Layer(
        at.name,
        lambda x: normalization.layer_norm_forward(x, m.weight, m.bias, m.eps),
        lambda delta, cache, to_input: normalization.layer_norm_backward(delta, cache),
        at.parameters(m.weight, m.bias),
    )


def _batch_norm(m: _BatchNorm, at: Place) -> Layer:
    def forward(x: Tensor) -> tuple[Tensor, Any]:
        if m.training or m.running_mean is None or m.running_var is None:
            y, cache = normalization.batch_norm_forward(x, m.weight, m.bias, m.eps)
            if m.training:
                _track(m, cache.mean, cache.variance, x.numel() // x.shape[1])
            return y, cache
        return normalization.batch_norm_forward(x, m.weight, m.bias, m.eps, (m.running_mean, m.running_var))

    back = normalization.batch_norm_backward
    return Layer(at.name, forward, lambda delta, cache, _: back(delta, cache), at.parameters(m.weight, m.bias))


def _track(m: _BatchNorm, mean: Tensor, variance: Tensor, count: int) -> None:
    """Move the running statistics towards those of a batch; the variance as an estimate, with 1/(m - 1)."""
    if m.running_mean is None or m.running_var is None or m.num_batches_tracked is None:
        return
    m.num_batches_tracked.add_(1)
    fraction = 1 / float(m.num_batches_tracked) if m.momentum is None else m.momentum
    m.running_mean.lerp_(mean, fraction)
    m.running_var.lerp_(variance * (count / (count - 1)), fraction)


def _max_pool(m: nn.MaxPool1d | nn.MaxPool2d, at: Place) -> Layer:
    for setting, expected in (("ceil_mode", False), ("return_indices", False)):
        at.require(m, setting, expected)
    if m.dilation not in (1, (1,), (1, 1)):
        at.require(m, "dilation", 1)
    return _plain(
        at, lambda x: pooling.max_pool_forward(x, m.kernel_size, m.stride, m.padding), pooling.max_pool_backward
    )


def _average_pool(m: nn.AvgPool1d | nn.AvgPool2d, at: Place) -> Layer:
    at.require(m, "ceil_mode", False)
    if isinstance(m, nn.AvgPool2d):
        at.require(m, "divisor_override", None)
    return _plain(
        at,
        lambda x: pooling.average_pool_forward(x, m.kernel_size, m.stride, m.padding, m.count_include_pad),
        pooling.average_pool_backward,
    )


def _softmax(m: nn.Softmax, at: Place) -> Layer:
    dim = m.dim
    if dim is None:
        raise ConfigError(f"layer {at.name or 'Softmax'}", expected="Softmax with dim = a number", got="None")
    return _plain(at, lambda x: softmax_forward(x, dim), softmax_backward)


def _dropout(m: nn.Dropout, at: Place) -> Layer:
    return _plain(
        at,
        lambda x: dropout_forward(x, m.p) if m.training else (x, None),
        lambda delta, mask: delta if mask is None else dropout_backward(delta, mask),
    )


def _flatten(m: nn.Flatten, at: Place) -> Layer:
    return _plain(at, lambda x: (m(x), x.shape), lambda delta, shape: delta.reshape(shape))


def _entering(m: Layered, at: Place) -> Layer:
    return _plain(at, lambda x: (m.entering(x), x.shape), lambda delta, shape: delta.reshape(shape))


def _elementwise(derivative: Callable[[Tensor], Tensor]) -> Callable[[nn.Module, Place], Layer]:
    return lambda m, at: _plain(
        at, lambda x: elementwise.elementwise_forward(x, m, derivative), elementwise.elementwise_backward
    )


def _leaky_relu(m: nn.LeakyReLU, at: Place) -> Layer:
    return _elementwise(lambda x: activation.leaky_relu_derivative(x, m.negative_slope))(m, at)


def _gelu(m: nn.GELU, at: Place) -> Layer:
    at.require(m, "approximate", "none")
    return _elementwise(activation.gelu_derivative)(m, at)


TRANSLATIONS: dict[type[nn.Module], Callable[[Any, Place], Layer]] = {
    nn.Linear: _linear,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.Embedding: _embedding,
    nn.ReLU: lambda m, at: _plain(at, elementwise.relu_forward, elementwise.relu_backward),
    nn.Sigmoid: lambda m, at: _plain(at, elementwise.sigmoid_forward, elementwise.sigmoid_backward),
    nn.Tanh: lambda m, at: _plain(at, elementwise.tanh_forward, elementwise.tanh_backward),
    nn.LeakyReLU: _leaky_relu,
    nn.GELU: _gelu,
    nn.SiLU: _elementwise(activation.silu_derivative),
    nn.Identity: lambda m, at: _plain(at, lambda x: (x, None), lambda delta, cache: delta),
    nn.Softmax: _softmax,
    nn.Dropout: _dropout,
    nn.Flatten: _flatten,
    nn.MaxPool1d: _max_pool,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool1d: _average_pool,
    nn.AvgPool2d: _average_pool,
    nn.LayerNorm: _layer_norm,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    BatchNorm: _batch_norm,
}
"""The rule of a module that is one layer."""

COMPOSED: dict[type[nn.Module], Callable[[Any, Place, Translation], Iterator[Layer]]] = {
    nn.Sequential: _sequential,
    SequenceNet: sequence_layers.sequence_net,
    EncoderStack: sequence_layers.stack,
    CausalStack: sequence_layers.stack,
    TimeDelayLayer: sequence_layers.time_delay_layer,
}
"""The rules of a module that is several layers one after the other."""
