"""S-cells that look for a feature and C-cells that forgive it a shift, as layers of planes.

    contrast   u_G = relu(+-(G_1 - G_2) * x)                                two planes: lighter or darker than around
    S-cells    u_S(k, n) = r relu[ (1 + e) / (1 + 2r/(1+r) h) - 1 ]
               e = sum_{j,v} a(j, v, k) u(j, n+v),   h = b(k) v(n),   v(n)^2 = sum_{j,v} c(v) u(j, n+v)^2
    C-cells    u_C(k, n) = psi[ (1 + e) / (1 + m) - 1 ],   psi(z) = relu(z) / (alpha + relu(z))
               e = sum_v d(v) u_S(k, s n + v),   m = mean over planes k of e

An S-cell divides what excites it (weights a) by what inhibits it (weight b, on the strength v of all its inputs):
shunting inhibition. A C-cell blurs one plane and is inhibited by the mean of all planes at its place.

**How S-cells learn**, without a teacher: the cell that answers strongest within its surroundings represents its
plane and takes on what it sees,

    a(j, v, k) += q c(v) u(j, n+v),     b(k) += q/2 v(n)

A plane taught one feature f only, with q large, measures how similar its input u is to f:

    u_S -> relu(s - t) / (1 - t),    s = <u, f> / (|u| |f|) with weights c,    t = r / (1 + r)

Shapes: batch, planes, height, width.

Sources: K. Fukushima, "Neocognitron: a self-organizing neural network model for a mechanism of pattern recognition
unaffected by shift in position", 1980; contrast cells from K. Fukushima, "Neocognitron for handwritten digit
recognition", 2003.
Departs from the source: every C-plane looks at one S-plane; the surroundings in which S-cells compete are tiles that do
not overlap; colors are averaged.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

C_WINDOW = 5
STRENGTH = 1000.0
"""q: so large that the 1 in the S-cells' equation matters for the faintest inputs alone."""


def s_cells(
    u: Float[Tensor, "batch inputs height width"],
    a: Float[Tensor, "planes inputs window window"],
    b: Float[Tensor, " planes"],
    c: Float[Tensor, "window window"],
    selectivity: float,
) -> Float[Tensor, "batch planes height width"]:
    """Answers u_S of S-cells above; zeros stand around the planes.

    An answer comes where similarity to what was taught is above r / (1 + r), r the selectivity; u, a and c are not
    negative, and c sums to 1 over all inputs.
    """
    margin = a.shape[-1] // 2
    e = F.conv2d(u, a, padding=margin)
    h = b[:, None, None] * strength(u, c)
    return selectivity * torch.relu((1 + e) / (1 + 2 * selectivity / (1 + selectivity) * h) - 1)


def strength(
    u: Float[Tensor, "batch inputs height width"], c: Float[Tensor, "window window"]
) -> Float[Tensor, "batch 1 height width"]:
    """Strength v of all inputs around each position: their root of the weighted mean square."""
    squares = F.conv2d(u.square().sum(1, keepdim=True), c[None, None], padding=c.shape[-1] // 2)
    # the root has no slope at 0, where nothing comes in: a gradient through it would be no number
    return squares.clamp(min=torch.finfo(u.dtype).tiny).sqrt()


def c_cells(
    u: Float[Tensor, "batch planes height width"],
    d: Float[Tensor, "window window"],
    stride: int = 2,
    alpha: float = 0.5,
) -> Float[Tensor, "batch planes rows columns"]:
    """Answers u_C of C-cells above, from 0 to 1, z = alpha by 1/2; d sums to 1, zeros stand around the planes."""
    planes = u.shape[1]
    e = F.conv2d(u, d.expand(planes, 1, *d.shape), stride=stride, padding=d.shape[-1] // 2, groups=planes)
    z = torch.relu((1 + e) / (1 + e.mean(1, keepdim=True)) - 1)
    return z / (alpha + z)


def contrast(
    x: Float[Tensor, "batch channels height width"], narrow: float = 0.8, wide: float = 1.6
) -> Float[Tensor, "batch 2 height width"]:
    """Where the mean of all channels is lighter (plane 0) or darker (plane 1) than around; Gaussians in pixels."""
    kernel = (gaussian(7, narrow) - gaussian(7, wide)).to(x)
    gray = F.pad(x.mean(1, keepdim=True), (3, 3, 3, 3), mode="replicate")
    difference = F.conv2d(gray, kernel[None, None])
    return torch.cat((torch.relu(difference), torch.relu(-difference)), dim=1)


def gaussian(window: int, deviation: float) -> Float64[Tensor, "window window"]:
    """Gaussian bell on a square of odd side, summing to 1."""
    steps = torch.arange(window, dtype=torch.float64) - window // 2
    bell = torch.exp(-steps.square() / (2 * deviation**2))
    return torch.outer(bell, bell) / bell.sum().square()


def winners(u: Float[Tensor, "planes height width"], tile: int) -> Int[Tensor, "winners 3"]:
    """Cells that represent their planes: (plane, row, column).

    The strongest cell of each tile x tile square, over all planes, is a candidate; of several candidates on a plane the
    strongest wins. Where all is silent nobody does.

    Example:
        >>> u = torch.zeros(2, 2, 4)
        >>> u[0, 1, 1], u[1, 0, 0], u[0, 0, 3] = 5.0, 4.0, 3.0
        >>> winners(u, tile=2)  # plane 1 loses the left tile to plane 0, which has no need of the right one
        tensor([[0, 1, 1]])
    """
    best, plane = u.max(0)
    _, width = best.shape
    answers, places = F.max_pool2d(best[None], tile, ceil_mode=True, return_indices=True)
    answers, places = answers.flatten(), places.flatten()
    order = answers.argsort(descending=True, stable=True)
    chosen: dict[int, int] = {}
    for answer, place in zip(answers[order].tolist(), places[order].tolist(), strict=True):
        if answer > 0:
            chosen.setdefault(int(plane.flatten()[place]), place)
    rows = [(k, place // width, place % width) for k, place in sorted(chosen.items())]
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, 3)


class SLayer(nn.Module):
    """S-cells with their weights, which no gradient changes; they see squares of odd side `window`."""

    weight: Tensor
    inhibition: Tensor
    surroundings: Tensor

    def __init__(self, inputs: int, planes: int, window: int, selectivity: float) -> None:
        super().__init__()
        self.selectivity = selectivity
        self.register_buffer("weight", torch.zeros(planes, inputs, window, window))
        self.register_buffer("inhibition", torch.zeros(planes))
        self.register_buffer("surroundings", (gaussian(window, window / 4) / inputs).float(), persistent=False)

    def forward(self, u: Float[Tensor, "batch inputs height width"]) -> Float[Tensor, "batch planes height width"]:
        """Apply `s_cells`."""
        return s_cells(u, self.weight, self.inhibition, self.surroundings, self.selectivity)

    @torch.no_grad()
    def reinforce_(
        self, u: Float[Tensor, "inputs height width"], cells: Int[Tensor, "cells 3"], q: float = STRENGTH
    ) -> None:
        """Teach planes what their representatives (plane, row, column) see of u, at most one a plane."""
        window = self.weight.shape[-1]
        padded = F.pad(u, [window // 2] * 4)
        for plane, row, column in cells.tolist():
            seen = padded[:, row : row + window, column : column + window]
            self.weight[plane] += q * self.surroundings * seen
            self.inhibition[plane] += q / 2 * (self.surroundings * seen.square()).sum().sqrt()


class CLayer(nn.Module):
    """C-cells of a window of 5 x 5 that halve the planes."""

    blur: Tensor

    def __init__(self, alpha: float = 0.5) -> None:
        super().__init__()
        self.alpha = alpha
        self.register_buffer("blur", gaussian(C_WINDOW, C_WINDOW / 4).float(), persistent=False)

    def forward(self, u: Float[Tensor, "batch planes height width"]) -> Float[Tensor, "batch planes rows columns"]:
        """Apply `c_cells`."""
        return c_cells(u, self.blur, alpha=self.alpha)


class Contrast(nn.Module):
    """`contrast` as a layer."""

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch 2 height width"]:
        """Apply `contrast`."""
        return contrast(x)
