"""Densely connected nets: every layer of a block reads the maps of all layers before it.

    x_l = H_l([x_0, x_1, ..., x_{l-1}]),    block(x_0) = [x_0, x_1, ..., x_L]

with [.] the concatenation of maps and H_l a normalization over the batch, a rectifier and a 3 x 3 convolution that
makes k maps, the growth rate. With a bottleneck (B) a normalization, a rectifier and a 1 x 1 convolution to 4 k maps
come before. Between two blocks a transition, again normalization, rectifier, 1 x 1 convolution, and average pooling
2 x 2, halves the image; compression (C) lets it also halve the maps.

| depth | images | k | layers of the blocks | form |
|---|---|---|---|---|
| 40, 100 | small | 12 | three of (depth - 4) / 3, or half of that with bottleneck | plain or BC |
| 121 | large | 32 | 6, 12, 24, 16 | BC |
| 169 | large | 32 | 6, 12, 32, 32 | BC |
| 201 | large | 32 | 6, 12, 48, 32 | BC |

7,978,856 parameters for depth 121 and 1000 classes.

Kept for the backward pass, the concatenations grow with the square of the depth. With `recompute` they and what
follows up to the last convolution of a layer (with bottleneck; else the whole layer) are computed again on the way back
instead: the same gradients for less memory and more time. Running statistics move once a step either way.

Sources: G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely connected convolutional networks", 2017; G. Pleiss
et al., "Memory-efficient implementation of DenseNets", 2017.
Departs from the notes: they cite another work of that name, and do not say that the inputs are concatenated (errata
E34).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.stages import Size, StagedNet, averaging_head
from neurarium.nets.parts.normalization.batch import BatchNorm

SMALL_DEPTHS = (40, 100)
LAYERS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
BOTTLENECK = 4


def dense_block(
    x: Float[Tensor, "batch inputs height width"], layers: Sequence[Callable[[list[Tensor]], Tensor]]
) -> Float[Tensor, "batch maps height width"]:
    """The function above, each of the layers H_1 .. H_L from the list of all maps so far to k more."""
    maps = [x]
    for layer in layers:
        maps.append(layer(maps))
    return torch.cat(maps, 1)


class DenseLayer(nn.Module):
    """H_l; dropout is of the numbers that it makes."""

    def __init__(self, inputs: int, growth: int, bottleneck: bool, dropout: float, recompute: bool) -> None:
        super().__init__()
        self.dropout = dropout
        self.recompute = recompute
        inner: OrderedDict[str, nn.Module] = OrderedDict(norm1=BatchNorm(inputs), relu1=nn.ReLU())
        outer: OrderedDict[str, nn.Module] = OrderedDict()
        if bottleneck:
            inner["conv1"] = nn.Conv2d(inputs, BOTTLENECK * growth, 1, bias=False)
            inner["norm2"] = BatchNorm(BOTTLENECK * growth)
            inner["relu2"] = nn.ReLU()
            outer["conv2"] = nn.Conv2d(BOTTLENECK * growth, growth, 3, padding=1, bias=False)
        else:
            inner["conv1"] = nn.Conv2d(inputs, growth, 3, padding=1, bias=False)
        self.inner = nn.Sequential(inner)
        self.outer = nn.Sequential(outer)

    def forward(self, maps: list[Tensor]) -> Float[Tensor, "batch growth height width"]:
        """k more maps."""
        if self.recompute and torch.is_grad_enabled():
            hidden = checkpoint(self._inner, *maps, use_reentrant=False, context_fn=self._contexts)
        else:
            hidden = self._inner(*maps)
        return F.dropout(self.outer(hidden), self.dropout, self.training)

    def _inner(self, *maps: Tensor) -> Tensor:
        return self.inner(torch.cat(maps, 1))

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """Around the computation and around the repetition."""
        return nullcontext(), _statistics_at_rest([m for m in self.inner if isinstance(m, BatchNorm)])


class DenseBlock(nn.Sequential):
    """`dense_block` of its layers."""

    def forward(self, x: Float[Tensor, "batch inputs height width"]) -> Float[Tensor, "batch maps height width"]:
        """What came in and what each layer made of it."""
        return dense_block(x, list(self))


class DenseNet(StagedNet):
    """Densely connected net.

    Args:
        size: height and width of the images, at least 4 (small form) or 32; None: any.
        bottleneck: with bottlenecks and compression, the BC form; always so for large images.
        recompute: less memory for training, more time.
    Raises ConfigError: a depth not in the table, a large net without bottleneck, no growth, or dropout outside [0, 1);
    ShapeError: images too small.
    """

    def __init__(
        self,
        depth: int = 121,
        channels: int = 3,
        size: Size = None,
        outputs: int = 1000,
        growth: int | None = None,
        bottleneck: bool = True,
        dropout: float = 0.0,
        recompute: bool = False,
    ) -> None:
        small = depth in SMALL_DEPTHS
        growth = (12 if small else 32) if growth is None else growth
        _check(depth, growth, bottleneck, dropout)
        layers = ((depth - 4) // (6 if bottleneck else 3),) * 3 if small else LAYERS[depth]
        maps = 2 * growth if bottleneck else 16
        stages: OrderedDict[str, nn.Module] = OrderedDict(stem=_stem(channels, maps, small))
        for s, count in enumerate(layers, start=1):
            stage: OrderedDict[str, nn.Module] = OrderedDict()
            if s > 1:
                fewer = maps // 2 if bottleneck else maps
                stage["transition"] = _transition(maps, fewer)
                maps = fewer
            block: OrderedDict[str, nn.Module] = OrderedDict()
            for l in range(1, count + 1):
                block[f"layer{l}"] = DenseLayer(maps, growth, bottleneck, dropout, recompute)
                maps += growth
            stage["block"] = DenseBlock(block)
            if s == len(layers):
                stage["norm"] = BatchNorm(maps)
                stage["relu"] = nn.ReLU()
            stages[f"stage{s}"] = nn.Sequential(stage)
        super().__init__(nn.Sequential(stages), averaging_head(maps, outputs), least=4 if small else 32, size=size)


@contextmanager
def _statistics_at_rest(norms: Sequence[BatchNorm]) -> Iterator[None]:
    """Let normalizations use the batch but not note it: what is computed twice happened once."""
    before = [(norm, norm.momentum, norm.num_batches_tracked) for norm in norms]
    try:
        for norm in norms:
            norm.momentum, norm.num_batches_tracked = 0.0, None
        yield
    finally:
        for norm, momentum, count in before:
            norm.momentum, norm.num_batches_tracked = momentum, count


def _check(depth: int, growth: int, bottleneck: bool, dropout: float) -> None:
    if depth not in SMALL_DEPTHS and depth not in LAYERS:
        known = f"{', '.join(map(str, SMALL_DEPTHS))} for small images, {', '.join(map(str, LAYERS))} for large ones"
        raise ConfigError("depth", expected=f"one of {known}", got=str(depth))
    if depth in LAYERS and not bottleneck:
        raise ConfigError("bottleneck", expected=f"true for depth {depth}", got="false")
    if growth < 1:
        raise ConfigError("growth", expected="a number of maps >= 1", got=str(growth))
    if not 0 <= dropout < 1:
        raise ConfigError("dropout", expected="a probability in [0, 1)", got=str(dropout))


def _stem(channels: int, maps: int, small: bool) -> nn.Sequential:
    if small:
        return nn.Sequential(OrderedDict(conv0=nn.Conv2d(channels, maps, 3, padding=1, bias=False)))
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv0=nn.Conv2d(channels, maps, 7, 2, padding=3, bias=False),
        norm0=BatchNorm(maps),
        relu0=nn.ReLU(),
        pool0=nn.MaxPool2d(3, 2, padding=1),
    )
    return nn.Sequential(layers)


def _transition(inputs: int, maps: int) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        norm=BatchNorm(inputs), relu=nn.ReLU(), conv=nn.Conv2d(inputs, maps, 1, bias=False), pool=nn.AvgPool2d(2)
    )
    return nn.Sequential(layers)
