"""AlexNet: five convolutions and three linear layers, the net that began the era of deep learning in 2012.

| layer | makes | from a 224 x 224 image | small form, width 32, from 28 x 28 |
|---|---|---|---|
| conv1, pool1 | 11 x 11 every 4, max 3 x 3 every 2 | 64 @ 55, 27 | 5 x 5: 32 @ 28, 13 |
| conv2, pool2 | 5 x 5, max 3 x 3 every 2 | 192 @ 27, 13 | 96 @ 13, 6 |
| conv3 | 3 x 3 | 384 @ 13 | 192 @ 6 |
| conv4 | 3 x 3 | 256 @ 13 | 128 @ 6 |
| conv5, pool5 | 3 x 3, max 3 x 3 every 2 | 256 @ 13, 6 | 128 @ 6, 2 |
| linear6 | | 4096 | 512 |
| linear7 | | 4096 | 512 |
| output | | 1000 | 10 |

A rectifier follows every layer but the last; the windows of the pooling overlap; while training, half of the inputs of
linear6 and linear7 are dropped. 61,100,840 parameters in the large form.

It departs from what was printed in 2012, as all copies of today do: there the maps were split over two GPUs into two
towers of 48, 128, 192, 192, 128 maps that met in conv3 and in the linear layers, units were normalized by their
neighbors in other maps (local response normalization), dropout stood after linear6 and linear7, and weights began as
normal numbers of standard deviation 0.01, some biases as 1. Here there is one tower, without response normalization, as
Krizhevsky has it in 2014, and the weights begin as He et al. have them. Maps of another size than 6 x 6 are averaged to
that, so that any image of 63 pixels or more fits.

Sources: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural networks",
2012; A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.stages import Size, StagedNet

MAPS = (64, 192, 384, 256, 256)
LEAST_SIZE = 63
LEAST_SIZE_SMALL = 15


class AlexNet(StagedNet):
    """The large form, as torchvision has it. Raises ShapeError: images below 63 pixels; ConfigError: dropout."""

    def __init__(self, channels: int = 3, size: Size = None, outputs: int = 1000, dropout: float = 0.5) -> None:
        stages = _stages(nn.Conv2d(channels, MAPS[0], 11, stride=4, padding=2), MAPS)
        super().__init__(stages, _head(MAPS[-1], 6, 4096, outputs, dropout), LEAST_SIZE, size)


class SmallAlexNet(StagedNet):
    """The form for images of 15 to about 64 pixels a side: a finer first layer of `width` maps, 16 width linear units.

    Raises ShapeError: images too small; ConfigError: no maps, or dropout outside [0, 1).
    """

    def __init__(
        self, channels: int = 1, size: Size = None, outputs: int = 10, width: int = 32, dropout: float = 0.5
    ) -> None:
        if width < 1:
            raise ConfigError("width", expected="a number of maps >= 1", got=str(width))
        maps = tuple(width * m // MAPS[0] for m in MAPS)
        stages = _stages(nn.Conv2d(channels, width, 5, padding=2), maps)
        super().__init__(stages, _head(maps[-1], 2, 16 * width, outputs, dropout), LEAST_SIZE_SMALL, size)


def _stages(first: nn.Conv2d, maps: Sequence[int]) -> nn.Sequential:
    convolutions = [first, nn.Conv2d(maps[0], maps[1], 5, padding=2)]
    convolutions += [nn.Conv2d(maps[l - 1], maps[l], 3, padding=1) for l in range(2, 5)]
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for l, convolution in enumerate(convolutions, start=1):
        layers: OrderedDict[str, nn.Module] = OrderedDict({f"conv{l}": convolution, f"relu{l}": nn.ReLU()})
        if l in (1, 2, 5):
            layers[f"pool{l}"] = nn.MaxPool2d(3, 2)
        stages[f"stage{l}"] = nn.Sequential(layers)
    return nn.Sequential(stages)


def _head(maps: int, side: int, units: int, outputs: int, dropout: float) -> nn.Sequential:
    if not 0 <= dropout < 1:
        raise ConfigError("dropout", expected="a probability in [0, 1)", got=str(dropout))
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        average=nn.AdaptiveAvgPool2d(side),
        flatten=nn.Flatten(),
        dropout6=nn.Dropout(dropout),
        linear6=nn.Linear(maps * side * side, units),
        relu6=nn.ReLU(),
        dropout7=nn.Dropout(dropout),
        linear7=nn.Linear(units, units),
        relu7=nn.ReLU(),
        output=nn.Linear(units, outputs),
    )
    return nn.Sequential(layers)
