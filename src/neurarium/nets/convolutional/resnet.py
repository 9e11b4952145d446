"""Residual nets: blocks that learn a change of their input, and plain nets of the same layers without the shortcut.

    residual:  y = relu(shortcut(x) + branch(x))        plain:  y = relu(branch(x))

A branch is two 3 x 3 convolutions, or in the deep forms for large images a bottleneck 1 x 1, 3 x 3, 1 x 1 that ends
with four times the maps; each convolution is normalized over the batch and has no bias. The shortcut is the identity;
where a stage begins with fewer, coarser maps than it makes it is

- padded: every second position, and zeros for the maps that are new (option A, no parameters), or
- projection: a 1 x 1 convolution every second position, normalized (option B).

| depths | images | stem | maps of the stages | usual shortcut |
|---|---|---|---|---|
| 20, 32, 44, 56, 110 | small | 3 x 3 | 16, 32, 64, (depth - 2) / 6 blocks each | padded |
| 18, 34 | large | 7 x 7 every 2, max pooling 3 x 3 every 2 | 64, 128, 256, 512 | projection |
| 50, 101, 152 | large | the same | 4 times as many | projection |

11,689,512, 21,797,672 and 25,557,032 parameters for depths 18, 34 and 50 and 1000 classes; 269,722 for depth 20, 3
channels and 10 classes.

In a bottleneck the 3 x 3 convolution moves in steps of two ("v1.5", as in torchvision's weights); the paper has it in
the first 1 x 1, which throws three quarters of the maps away unseen. With `zero_gamma` the last normalization of each
branch begins at gamma = 0, so that every block begins as its shortcut.

Sources: K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2016; P. Goyal et al.,
"Accurate, large minibatch SGD", 2017 (gamma = 0).
Departs from the notes: their residual net is y = x + h(x), here a rectifier follows the sum, as in the paper. That
plain and residual nets express the same holds for a plain net of more units only (errata E12).
"""

from collections import OrderedDict

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, choose
from neurarium.nets.convolutional.stages import Size, StagedNet, averaging_head
from neurarium.nets.parts.normalization.batch import BatchNorm

SMALL_DEPTHS = (20, 32, 44, 56, 110)
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
EXPANSION = 4
BOTTLENECK_DEPTHS = (50, 101, 152)


def padded_shortcut(
    x: Float[Tensor, "batch inputs height width"], maps: int, stride: int
) -> Float[Tensor, "batch maps rows columns"]:
    """Every `stride`-th position of x, and zeros as further maps."""
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, maps - x.shape[1]))


class PaddedShortcut(nn.Module):
    """`padded_shortcut` as a layer."""

    def __init__(self, maps: int, stride: int) -> None:
        super().__init__()
        self.maps = maps
        self.stride = stride

    def forward(self, x: Float[Tensor, "batch inputs height width"]) -> Float[Tensor, "batch maps rows columns"]:
        """Fewer positions, more maps."""
        return padded_shortcut(x, self.maps, self.stride)


class ResidualBlock(nn.Module):
    """relu(shortcut(x) + branch(x)), or relu(branch(x)) without a shortcut; a branch ends with a normalization.

    A rectifier in place (`nets.convolutional.in_place`) stands for the sum as well: branch(x) is overwritten.
    """

    def __init__(self, branch: nn.Sequential, shortcut: nn.Module | None, zero_gamma: bool = False) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut
        self.relu = nn.ReLU()
        if zero_gamma:
            last = branch[-1]
            assert isinstance(last, BatchNorm)
            nn.init.zeros_(last.weight)

    def forward(self, x: Float[Tensor, "batch inputs height width"]) -> Float[Tensor, "batch maps rows columns"]:
        """Changed maps."""
        change = self.branch(x)
        if self.shortcut is not None:
            shortcut = self.shortcut(x)
            change = change.add_(shortcut) if self.relu.inplace else change + shortcut
        return self.relu(change)


class ResNet(StagedNet):
    """Residual net, or its plain twin.

    Args:
        depth: number of convolutional and linear layers, of the table above; it decides the form.
        size: height and width of the images, at least 4 (small form) or 32; None: any.
        shortcut: where maps change: padded, projection, or usual, as in the table; none for the plain net.
    Raises ConfigError: another depth or shortcut, or gamma = 0 in a plain net; ShapeError: images too small.
    """

    def __init__(
        self,
        depth: int = 50,
        channels: int = 3,
        size: Size = None,
        outputs: int = 1000,
        shortcut: str = "usual",
        zero_gamma: bool = False,
    ) -> None:
        small, bottleneck = depth in SMALL_DEPTHS, depth in BOTTLENECK_DEPTHS
        if not small and depth not in BLOCKS:
            known = (
                f"{', '.join(map(str, SMALL_DEPTHS))} for small images, {', '.join(map(str, BLOCKS))} for large ones"
            )
            raise ConfigError("depth", expected=f"one of {known}", got=str(depth))
        ways = {"usual": "padded" if small else "projection"}
        way = choose(shortcut, ways | {w: w for w in ("padded", "projection", "none")}, "shortcut")
        if zero_gamma and way == "none":
            raise ConfigError(
                "zero_gamma", expected="a net with shortcuts", got="a plain one, where nothing would pass"
            )
        first, counts = (16, ((depth - 2) // 6,) * 3) if small else (64, BLOCKS[depth])
        stages: OrderedDict[str, nn.Module] = OrderedDict(stem=_stem(channels, first, small))
        inputs = first
        for s, count in enumerate(counts, start=1):
            blocks: OrderedDict[str, nn.Module] = OrderedDict()
            for b in range(1, count + 1):
                stride = 2 if s > 1 and b == 1 else 1
                width = first * 2 ** (s - 1)
                maps = EXPANSION * width if bottleneck else width
                branch = _branch(inputs, width, stride, bottleneck)
                blocks[f"block{b}"] = ResidualBlock(branch, _shortcut(way, inputs, maps, stride), zero_gamma)
                inputs = maps
            stages[f"stage{s}"] = nn.Sequential(blocks)
        super().__init__(nn.Sequential(stages), averaging_head(inputs, outputs), least=4 if small else 32, size=size)


def _convolution(inputs: int, maps: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, maps, kernel, stride, padding=kernel // 2, bias=False)


def _stem(channels: int, maps: int, small: bool) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=_convolution(channels, maps, 3) if small else _convolution(channels, maps, 7, 2),
        norm1=BatchNorm(maps),
        relu1=nn.ReLU(),
    )
    if not small:
        layers["pool1"] = nn.MaxPool2d(3, 2, padding=1)
    return nn.Sequential(layers)


def _branch(inputs: int, width: int, stride: int, bottleneck: bool) -> nn.Sequential:
    if bottleneck:
        convolutions = [
            _convolution(inputs, width, 1),
            _convolution(width, width, 3, stride),
            _convolution(width, EXPANSION * width, 1),
        ]
    else:
        convolutions = [_convolution(inputs, width, 3, stride), _convolution(width, width, 3)]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for l, convolution in enumerate(convolutions, start=1):
        layers[f"conv{l}"] = convolution
        layers[f"norm{l}"] = BatchNorm(convolution.out_channels)
        if l < len(convolutions):
            layers[f"relu{l}"] = nn.ReLU()
    return nn.Sequential(layers)


def _shortcut(way: str, inputs: int, maps: int, stride: int) -> nn.Module | None:
    if way == "none":
        return None
    if stride == 1 and inputs == maps:
        return nn.Identity()
    if way == "padded":
        return PaddedShortcut(maps, stride)
    return nn.Sequential(OrderedDict(conv=_convolution(inputs, maps, 1, stride), norm=BatchNorm(maps)))
