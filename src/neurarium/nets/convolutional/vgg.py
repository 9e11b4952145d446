"""VGG: nothing but 3 x 3 convolutions, in stages that halve the image and double the maps.

Two 3 x 3 convolutions see as far as one of 5 x 5, three as far as one of 7 x 7, with fewer weights (18 and 27 for 25
and 49 a pair of maps) and rectifiers in between.

| stage | maps | convolutions in VGG-11 / 13 / 16 / 19 | from a 224 x 224 image |
|---|---|---|---|
| stage1 | 64 | 1 / 2 / 2 / 2 | 112 x 112 |
| stage2 | 128 | 1 / 2 / 2 / 2 | 56 x 56 |
| stage3 | 256 | 2 / 2 / 3 / 4 | 28 x 28 |
| stage4 | 512 | 2 / 2 / 3 / 4 | 14 x 14 |
| stage5 | 512 | 2 / 2 / 3 / 4 | 7 x 7 |

Each stage ends with a max pooling 2 x 2; three linear layers follow, 4096, 4096, outputs. The depth counts
convolutions and linear layers. 138,357,544 parameters in VGG-16. With batch normalization, which came a year later, it
stands between each convolution and its rectifier; the convolution keeps its bias there, as in the published weights.

The small form has three stages of two convolutions with 32, 64 and 128 maps, and 256 units in each linear layer.

Source: K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014. They
began the deep nets with the weights of a shallower one; drawn as He et al. draw them this is not needed.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.stages import Size, StagedNet
from neurarium.nets.parts.normalization.batch import BatchNorm

CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
MAPS = (64, 128, 256, 512, 512)


class VGG(StagedNet):
    """The large forms, as torchvision has them.

    Raises ConfigError: another depth, or dropout outside [0, 1); ShapeError: images below 32 pixels.
    """

    def __init__(
        self,
        depth: int = 16,
        channels: int = 3,
        size: Size = None,
        outputs: int = 1000,
        batch_norm: bool = False,
        dropout: float = 0.5,
    ) -> None:
        if depth not in CONVOLUTIONS:
            raise ConfigError("depth", expected="11, 13, 16 or 19", got=str(depth))
        stages = _stages(channels, [(m,) * n for m, n in zip(MAPS, CONVOLUTIONS[depth], strict=True)], batch_norm)
        super().__init__(stages, _head(MAPS[-1], 7, 4096, outputs, dropout), least=2 ** len(MAPS), size=size)


class SmallVGG(StagedNet):
    """The form for images of 8 to about 64 pixels a side: `width`, 2 and 4 times as many maps, 8 width linear units.

    Raises ConfigError: no maps, or dropout outside [0, 1); ShapeError: images too small.
    """

    def __init__(
        self,
        channels: int = 1,
        size: Size = None,
        outputs: int = 10,
        width: int = 32,
        batch_norm: bool = True,
        dropout: float = 0.5,
    ) -> None:
        if width < 1:
            raise ConfigError("width", expected="a number of maps >= 1", got=str(width))
        stages = _stages(channels, [(width,) * 2, (2 * width,) * 2, (4 * width,) * 2], batch_norm)
        super().__init__(stages, _head(4 * width, 3, 8 * width, outputs, dropout), least=2**3, size=size)


def _stages(channels: int, maps: Sequence[Sequence[int]], batch_norm: bool) -> nn.Sequential:
    """Stage by stage the maps of each convolution."""
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for s, stage in enumerate(maps, start=1):
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for l, m in enumerate(stage, start=1):
            layers[f"conv{s}_{l}"] = nn.Conv2d(channels, m, 3, padding=1)
            if batch_norm:
                layers[f"norm{s}_{l}"] = BatchNorm(m)
            layers[f"relu{s}_{l}"] = nn.ReLU()
            channels = m
        layers[f"pool{s}"] = nn.MaxPool2d(2)
        stages[f"stage{s}"] = nn.Sequential(layers)
    return nn.Sequential(stages)


def _head(maps: int, side: int, units: int, outputs: int, dropout: float) -> nn.Sequential:
    if not 0 <= dropout < 1:
        raise ConfigError("dropout", expected="a probability in [0, 1)", got=str(dropout))
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        average=nn.AdaptiveAvgPool2d(side),
        flatten=nn.Flatten(),
        linear6=nn.Linear(maps * side * side, units),
        relu6=nn.ReLU(),
        dropout6=nn.Dropout(dropout),
        linear7=nn.Linear(units, units),
        relu7=nn.ReLU(),
        dropout7=nn.Dropout(dropout),
        output=nn.Linear(units, outputs),
    )
    return nn.Sequential(layers)
