"""PointNet for parts: a class for each point of a set, from what the point is and what all of them are together.

    A = T({x_i}),    y_i = x_i A                          T-Net: a 3 x 3 matrix found from the whole set
    l_i = f(y_i),    g = max_i h(l_i)                     shared layers, and a maximum over the points
    logits_i = r(l_i ; g)

f, h, r and T's first layers see each point by itself; the order of the points makes no difference to any of them. In
training each example is asked to keep A near an orthogonal matrix:

    penalty = w |I - A A^T|_F^2

Source: C. Qi, H. Su, K. Mo, L. Guibas, "PointNet: deep learning on point sets for 3D classification and segmentation",
2017; smaller, without batch normalization, and with the penalty on this matrix, where they put it on a second one of
64 x 64 features, which is left out. T begins within a hundredth of the identity rather than at it: from weights of zero
nothing below its last layer would learn at first.
"""

from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.padded import check_padded, max_over
from neurarium.nets.penalty import WithPenalty

_AXES = 3
_NEAR = 1e-3


def off_orthogonal(a: Float[Tensor, "batch n n"]) -> Float[Tensor, "batch"]:
    """|I - A A^T|_F^2 of each matrix; 0 for rotations and reflections."""
    identity = torch.eye(a.shape[1], dtype=a.dtype, device=a.device)
    return (identity - a @ a.mT).square().sum((1, 2))


class TNet(nn.Module):
    """Finds a matrix by which all points of a set are turned; `hidden` units are pooled, half before and behind."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.points = _shared(_AXES, hidden // 2, hidden)
        self.whole = _shared(hidden, hidden // 2)
        self.output = nn.Linear(hidden // 2, _AXES * _AXES)
        nn.init.normal_(self.output.weight, std=_NEAR / hidden**0.5)
        with torch.no_grad():
            self.output.bias.copy_(torch.eye(_AXES).flatten())

    def forward(
        self, points: Float[Tensor, "batch points 3"], lengths: Int[Tensor, "batch"]
    ) -> Float[Tensor, "batch 3 3"]:
        """A for each set."""
        pooled = max_over(self.points(points), lengths)
        matrix: Tensor = self.output(self.whole(pooled))
        return matrix.view(-1, _AXES, _AXES)


class PointNet(nn.Module):
    """The net above."""

    def __init__(self, parts: int, width: int, whole: int, penalty: float) -> None:
        super().__init__()
        self.penalty = penalty
        self.tnet = TNet(whole)
        self.local = _shared(_AXES, width, width)
        self.whole = _shared(width, 2 * width, whole)
        self.head = _shared(width + whole, 2 * width, width)
        self.output = nn.Linear(width, parts)
        initialize_layer_(self.output, "lecun")

    def forward(
        self, points: Float[Tensor, "..."], points_lengths: Int[Tensor, "..."]
    ) -> Float[Tensor, "batch points parts"] | WithPenalty:
        """Logits of each point of (batch, points, 3), padded; in training with a penalty. Raises ShapeError."""
        check_padded(points, points_lengths, "layer tnet", "points", _AXES)
        a = self.tnet(points, points_lengths)
        local = self.local(points @ a)
        whole = max_over(self.whole(local), points_lengths)
        each = torch.cat([local, whole[:, None].expand(-1, points.shape[1], -1)], 2)
        logits: Tensor = self.output(self.head(each))
        return WithPenalty(logits, self.penalty * off_orthogonal(a)) if self.training else logits


def _shared(*sizes: int) -> nn.Sequential:
    """Layers of rectifiers, the same for every point."""
    layers = nn.Sequential()
    for inputs, outputs in pairwise(sizes):
        linear = nn.Linear(inputs, outputs)
        initialize_layer_(linear, "he")
        layers.extend([linear, nn.ReLU()])
    return layers
