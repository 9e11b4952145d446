"""Neocognitron: layers of S- and C-cells, one on top of the other, and a linear classifier.

| layer | does | from 28 x 28 |
|---|---|---|
| contrast | differences of Gaussians, 7 x 7 | 2 @ 28 x 28 |
| s1, c1 | S-cells 7 x 7, C-cells 5 x 5 halving | 8 @ 14 x 14 |
| s2, c2 | S-cells 5 x 5, C-cells 5 x 5 halving | 36 @ 7 x 7 |
| head | linear, trained by gradient | 10 |

The equations of the cells, and the rule by which they learn without a teacher: `nets.convolutional.neocognitron_cells`.

**Fixed filters** are made by the same rule: each plane of the first S-layer is shown one ideal bar, 22.5 degrees apart,
each plane of the second one an ideal end, corner or line drawn through its center. With `learned` planes the second
S-layer starts from next to nothing and teaches itself from the images that pass in training mode.

Sources: K. Fukushima, "Neocognitron: a self-organizing neural network model for a mechanism of pattern recognition
unaffected by shift in position", 1980; teaching by ideal figures from K. Fukushima, "Neocognitron for handwritten digit
recognition", 2003.
Departs from the source: two stages instead of three, and a linear layer on top that learns from labels, on answers
divided by their root mean square.
Departs from the notes: the net of 1969 had ReLU-like units and given filters, the Neocognitron is of 1979/80 and its
S-cells learn (errata E7).
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.neocognitron_cells import CLayer, Contrast, SLayer, winners
from neurarium.nets.parts.flat import check_shape

LEAST_SIZE = 8
S1_WINDOW, S2_WINDOW = 7, 5
BARS, DIRECTIONS = 8, 8
_CANVAS = 33
_FIRST_WEIGHT = 1e-3
_FAINT = 1e-8


def rays(angles: Sequence[float], side: int = _CANVAS) -> Float[Tensor, "side side"]:
    """Draw lines two pixels wide from the center of a square of odd side to its edge, at angles in radians."""
    steps = torch.arange(side, dtype=torch.float64) - side // 2
    y, x = -steps[:, None], steps[None, :]
    image = torch.zeros(side, side, dtype=torch.float64)
    for angle in angles:
        along = (x * math.cos(angle) + y * math.sin(angle)).clamp(min=0)
        distance = torch.hypot(x - along * math.cos(angle), y - along * math.sin(angle))
        image = torch.maximum(image, (1.5 - distance).clamp(0, 1))
    return image.float()


class Neocognitron(nn.Module):
    """Two stages of S- and C-cells and a linear classifier, which alone has parameters.

    Args:
        learned: planes of the second S-layer that teach themselves; 0: the 36 planes of fixed filters.
        presentations: images that they learn from; afterwards training mode changes nothing but the classifier.
    Raises ShapeError: images below 8 x 8 pixels; ConfigError: a number out of its range.
    """

    presented: Tensor

    def __init__(
        self,
        channels: int = 1,
        size: int | tuple[int, int] = 28,
        outputs: int = 10,
        learned: int = 0,
        presentations: int = 1000,
        selectivity: tuple[float, float] = (1.5, 1.0),
    ) -> None:
        super().__init__()
        height, width = (size, size) if isinstance(size, int) else size
        if min(height, width) < LEAST_SIZE:
            raise ShapeError(
                "input of layer contrast",
                expected=f"images of at least {LEAST_SIZE} x {LEAST_SIZE} pixels",
                got=f"{height} x {width}",
                remedy="enlarge the images or choose the net mlp",
            )
        if min(learned, presentations) < 0 or not all(0 < r < math.inf for r in selectivity):
            raise ConfigError(
                "neocognitron",
                expected="learned >= 0, presentations >= 0 and two selectivities > 0",
                got=f"{learned}, {presentations} and {selectivity}",
            )
        self.image_shape = (channels, height, width)
        self.presentations = presentations if learned else 0
        corners = [(i, j) for i in range(DIRECTIONS) for j in range(i, DIRECTIONS)]
        planes = learned or len(corners)
        self.contrast = Contrast()
        self.s1 = SLayer(2, BARS, S1_WINDOW, selectivity[0])
        self.c1 = CLayer()
        self.s2 = SLayer(BARS, planes, S2_WINDOW, selectivity[1])
        self.c2 = CLayer()
        self.head = nn.Linear(planes * -(-height // 4) * -(-width // 4), outputs)
        self.register_buffer("presented", torch.zeros((), dtype=torch.int64))
        bars = [rays([math.pi * k / BARS, math.pi * (1 + k / BARS)]) for k in range(BARS)]
        _teach(self.s1, self.contrast(torch.stack(bars)[:, None]))
        if learned:
            self.s2.weight.uniform_(0, _FIRST_WEIGHT)
        else:
            turn = 2 * math.pi / DIRECTIONS
            drawn = torch.stack([rays([turn * i, turn * j]) for i, j in corners])[:, None]
            _teach(self.s2, self.c1(self.s1(self.contrast(drawn))))

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Logits of images (batch, channels, height, width), after `learn_` in training mode; raises ShapeError."""
        check_shape(x, self.image_shape, "contrast", "images")
        if self.training and self.presentations:
            self.learn_(x)
        return self.head(self.features(x))

    def features(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        """Answers of the last C-cells, flattened and divided by their root mean square."""
        u = self.c2(self.s2(self.c1(self.s1(self.contrast(x))))).flatten(1)
        return F.rms_norm(u, u.shape[1:], eps=_FAINT)

    def outputs(self, a: Float[Tensor, "batch rows"]) -> Float[Tensor, "batch rows"]:
        """What the linear layer says."""
        return a

    @torch.no_grad()
    def learn_(self, x: Float[Tensor, "batch channels height width"]) -> None:
        """Show images to the learned S-cells, one after the other, as long as there are presentations left."""
        left = self.presentations - int(self.presented)
        if left <= 0:
            return
        for u in self.c1(self.s1(self.contrast(x[:left]))):
            cells = winners(self.s2(u[None])[0], tile=S2_WINDOW)
            self.s2.reinforce_(u, cells)
        self.presented += len(x[:left])


def _teach(layer: SLayer, examples: Float[Tensor, "planes inputs height width"]) -> None:
    """Show each plane its one example, seen from the middle."""
    for plane, u in enumerate(examples):
        layer.reinforce_(u, torch.tensor([[plane, u.shape[1] // 2, u.shape[2] // 2]]))
