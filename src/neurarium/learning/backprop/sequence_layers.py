"""Nets of sequences as layers of a chain: padded rows go through it with their lengths."""

from collections.abc import Callable, Iterator
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from neurarium.learning.backprop import padded
from neurarium.learning.backprop.convolution import convolution_backward, convolution_forward
from neurarium.learning.backprop.layer import Layer
from neurarium.learning.backprop.place import Place, Translation
from neurarium.nets.recurrent.encoder import EncoderStack
from neurarium.nets.recurrent.sequence_net import SequenceNet
from neurarium.nets.recurrent.tdnn import TimeDelayLayer

_POOLS: dict[str, tuple[Callable[..., tuple[Tensor, Any]], Callable[..., Tensor]]] = {
    "last": (padded.last_forward, padded.last_backward),
    "mean": (padded.mean_forward, padded.mean_backward),
    "max": (padded.max_forward, padded.max_backward),
}


def sequence_net(m: SequenceNet, at: Place, layers: Translation) -> Iterator[Layer]:
    """Embedding, padding shut out, encoder, pooling, dropout, affine layer."""
    if m.pooling not in _POOLS:
        at.require(m, "pooling", "last")
    if m.embedding is not None:
        yield from layers(m.embedding, at.below("embedding"))
    yield _with_lengths(at.below("entering"), padded.inside_forward, padded.inside_backward)
    yield from layers(m.encoder, at.below("encoder"))
    forward, backward = _POOLS[m.pooling]

    def pooled(x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Any]:
        return forward(x, x.new_full((len(x),), x.shape[1]).long() if lengths is None else lengths)

    yield _with_lengths(at.below(m.pooling), pooled, backward)
    yield from layers(m.dropout, at.below("dropout"))
    yield from layers(m.output, at.below("output"))


def stack(m: EncoderStack, at: Place, layers: Translation) -> Iterator[Layer]:
    """Encoder after encoder, dropout between them."""
    for k, layer in enumerate(m.layers):
        if k:
            yield from layers(m.dropout, at.below("dropout"))
        yield from layers(layer, at.below(f"layers.{k}"))


def time_delay_layer(m: TimeDelayLayer, at: Place, layers: Translation) -> Iterator[Layer]:
    """Zeros on either side, a convolution over time, the activation."""
    c = m.convolution
    if m.ahead:
        yield _with_lengths(at.below("inside"), padded.inside_forward, padded.inside_backward)

    def forward(x: Tensor) -> tuple[Tensor, Any]:
        wide = F.pad(x, (0, 0, m.back, m.ahead)).transpose(1, 2)
        y, cache = convolution_forward(wide, c.weight, c.bias, dilation=c.dilation)
        return y.transpose(1, 2), cache

    def backward(delta: Tensor, cache: Any, to_input: bool) -> tuple[Tensor | None, ...]:
        dx, *own = convolution_backward(delta.transpose(1, 2), cache, to_input)
        return (None if dx is None else dx.transpose(1, 2)[:, m.back : dx.shape[2] - m.ahead]), *own

    place = at.below("convolution")
    yield Layer(place.name, forward, backward, place.parameters(c.weight, c.bias))
    yield from layers(m.activation, at.below("activation"))


def _with_lengths(at: Place, forward: Callable[..., tuple[Tensor, Any]], backward: Callable[..., Tensor]) -> Layer:
    """A layer without parameters that looks at the lengths of rows."""
    return Layer(at.name, forward, lambda delta, cache, to_input: (backward(delta, cache),), takes_lengths=True)
