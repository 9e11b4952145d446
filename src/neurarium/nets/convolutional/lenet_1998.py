"""LeNet-5 as printed in 1998: connection table, trained subsampling, scaled tanh, distances to fixed codes.

| layer | makes | parameters | connections |
|---|---|---|---|
| c1 | convolution 5 x 5, 6 @ 28 x 28 | 156 | 122,304 |
| s2 | subsampling, 6 @ 14 x 14 | 12 | 5,880 |
| c3 | convolution 5 x 5 by Table I, 16 @ 10 x 10 | 1,516 | 151,600 |
| s4 | subsampling, 16 @ 5 x 5 | 32 | 2,000 |
| c5 | fully connected, 120 | 48,120 | 48,120 |
| f6 | fully connected, 84 | 10,164 | 10,164 |
| output | distances to 10 fixed codes | 0 | 840 |

60,000 parameters and 340,908 connections for a 32 x 32 image (or 28 x 28 with a margin of 2) and ten classes.
Every layer up to f6 squashes its sums by A tanh(S a), A = 1.7159, S = 2/3, which maps +-1 to +-1.

Logits are -|x - w_k|^2 / 2, the log-likelihood of the 84 numbers x under a normal distribution of unit
variance around the code w_k of class k (up to a constant): their softmax is the posterior under equal priors,
so cross-entropy applies; it is the paper's discriminative criterion without the class "none of these", at
half the distances.

Shapes: batch, channels, height, width.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
Proc. IEEE 86 (11), 1998, section II and Table I.
Departs from the source: the 7 x 12 bitmaps of the ten digits below are drawn for this library, the paper
shows others; the paper scales pixels to -0.1 (paper) and 1.175 (ink), here that is up to the data.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.nets.convolutional.lenet import KERNEL, map_size, margin
from neurarium.nets.convolutional.receptive_field import Sliding, Window
from neurarium.nets.parts.flat import check_shape

CODE_SIZE = 84
AMPLITUDE = 1.7159
SLOPE = 2 / 3

# Table I: the maps of s2 that each map of c3 sees. Three neighbors, four neighbors, four in two pairs, all.
C3_SOURCES: tuple[tuple[int, ...], ...] = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)

# Digits 0 to 9 side by side, 7 wide and 12 high.
DIGITS = """
..###.. ...#... .#####. .#####. .....#. ####### ..####. ####### .#####. .#####.
.#...#. ..##... #.....# #.....# ....##. #...... .#..... ......# #.....# #.....#
#.....# .#.#... ......# ......# ...#.#. #...... #...... ......# #.....# #.....#
#.....# ...#... ......# ......# ..#..#. #...... #...... .....#. #.....# #.....#
#.....# ...#... ......# ......# .#...#. #...... #...... .....#. .#...#. #.....#
#.....# ...#... .....#. ..####. #....#. ######. #.####. ....#.. ..###.. .######
#.....# ...#... ....#.. ......# #....#. ......# ##....# ....#.. .#...#. ......#
#.....# ...#... ...#... ......# ####### ......# #.....# ...#... #.....# ......#
#.....# ...#... ..#.... ......# .....#. ......# #.....# ...#... #.....# ......#
#.....# ...#... .#..... ......# .....#. ......# #.....# ..#.... #.....# ......#
.#...#. ...#... #...... #.....# .....#. #.....# #.....# ..#.... #.....# .....#.
..###.. .#####. ####### .#####. .....#. .#####. .#####. ..#.... .#####. .####..
"""


def scaled_tanh(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """1.7159 tanh(2 x / 3): f(1) = 1, f(-1) = -1, strongest curvature there."""
    return AMPLITUDE * torch.tanh(SLOPE * x)


def subsample(
    x: Float[Tensor, "batch maps height width"], coefficient: Float[Tensor, "maps"], bias: Float[Tensor, "maps"]
) -> Float[Tensor, "batch maps half_height half_width"]:
    """Sum of each 2 x 2 block, times the map's coefficient, plus its bias; an odd last row is dropped."""
    sums = 4 * F.avg_pool2d(x, 2)
    return sums * coefficient[:, None, None] + bias[:, None, None]


def code_logits(
    x: Float[Tensor, "batch features"], codes: Float[Tensor, "classes features"]
) -> Float[Tensor, "batch classes"]:
    """-|x - w_k|^2 / 2 for each code w_k, multiplied out: x w_k - |w_k|^2 / 2 - |x|^2 / 2."""
    return F.linear(x, codes, -codes.square().sum(1) / 2) - x.square().sum(1, keepdim=True) / 2


def digit_codes() -> Float[Tensor, "10 84"]:
    """The bitmaps of the ten digits, row by row: ink +1, paper -1."""
    rows = [line.split() for line in DIGITS.split("\n") if line]
    return torch.tensor([[1.0 if pixel == "#" else -1.0 for row in rows for pixel in row[k]] for k in range(10)])


def random_codes(classes: int) -> Float[Tensor, "classes 84"]:
    """+-1 codes by fair coins, always the same ones: apart in about half of their 84 places."""
    coins = torch.randint(0, 2, (classes, CODE_SIZE), generator=torch.Generator().manual_seed(1998))
    return 2.0 * coins - 1


class ScaledTanh(nn.Module):
    """`scaled_tanh` as a layer."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """1.7159 tanh(2 x / 3)."""
        return scaled_tanh(x)


class Subsampling(nn.Module, Sliding):
    """`subsample` with one coefficient and one bias a map."""

    window = Window(2, stride=2)

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(_uniform((maps,), fan_in=4))
        self.bias = nn.Parameter(_uniform((maps,), fan_in=4))

    def forward(
        self, x: Float[Tensor, "batch maps height width"]
    ) -> Float[Tensor, "batch maps half_height half_width"]:
        """Maps of half the size."""
        return subsample(x, self.coefficient, self.bias)


class TableConvolution(nn.Module, Sliding):
    """Convolution in which each map sees only some of the maps below; holds those kernels, no others."""

    window = Window(KERNEL)
    index: Tensor

    def __init__(self, sources: tuple[tuple[int, ...], ...], below: int) -> None:
        super().__init__()
        self.maps, self.below = len(sources), below
        pairs = [target * below + source for target, row in enumerate(sources) for source in row]
        self.register_buffer("index", torch.tensor(pairs), persistent=False)
        field = KERNEL * KERNEL
        kernels = [_uniform((len(row), KERNEL, KERNEL), fan_in=len(row) * field) for row in sources]
        self.weight = nn.Parameter(torch.cat(kernels))
        self.bias = nn.Parameter(torch.cat([_uniform((1,), fan_in=len(row) * field) for row in sources]))

    def forward(self, x: Float[Tensor, "batch below height width"]) -> Float[Tensor, "batch maps rows columns"]:
        """The maps' sums."""
        # One dense convolution, with zeros where there is no connection, is faster than 16 small ones.
        dense = self.weight.new_zeros(self.maps * self.below, KERNEL, KERNEL).index_copy(0, self.index, self.weight)
        return F.conv2d(x, dense.view(self.maps, self.below, KERNEL, KERNEL), self.bias)


class CodeDistance(nn.Module):
    """`code_logits` to fixed codes: the digits' bitmaps for ten classes, else random ones."""

    codes: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("codes", digit_codes() if classes == 10 else random_codes(classes))

    def forward(self, x: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        """Logits."""
        return code_logits(x, self.codes)


class LeNet1998(nn.Module):
    """The printed LeNet-5; weights, biases begin uniform within 2.4 / fan-in. Raises ShapeError: images too small."""

    def __init__(self, channels: int = 1, size: int | tuple[int, int] = 28, outputs: int = 10) -> None:
        super().__init__()
        height, width = (size, size) if isinstance(size, int) else size
        rows, columns = map_size(height, width)
        self.image_shape = (channels, height, width)
        layers: list[tuple[str, nn.Module]] = [
            ("c1", nn.Conv2d(channels, 6, KERNEL, padding=margin(height, width))),
            ("s2", Subsampling(6)),
            ("c3", TableConvolution(C3_SOURCES, below=6)),
            ("s4", Subsampling(16)),
            ("flatten", nn.Flatten()),
            ("c5", nn.Linear(16 * rows * columns, 120)),
            ("f6", nn.Linear(120, CODE_SIZE)),
        ]
        squashed: OrderedDict[str, nn.Module] = OrderedDict()
        for name, layer in layers:
            squashed[name] = layer
            if name != "flatten":
                squashed[f"{name}_squash"] = ScaledTanh()
            if isinstance(layer, nn.Conv2d | nn.Linear):
                fan_in = layer.weight[0].numel()
                layer.weight = nn.Parameter(_uniform(layer.weight.shape, fan_in))
                layer.bias = nn.Parameter(_uniform((len(layer.weight),), fan_in))
        squashed["output"] = CodeDistance(outputs)
        self.layers = nn.Sequential(squashed)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Logits of images (batch, channels, height, width). Raises ShapeError: another shape than it was built for."""
        check_shape(x, self.image_shape, "c1", "images")
        return self.layers(x)


def _uniform(shape: tuple[int, ...], fan_in: int) -> Tensor:
    return torch.empty(shape).uniform_(-2.4 / fan_in, 2.4 / fan_in)
