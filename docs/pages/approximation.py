"""The section on what width and depth buy: Barron's bound, and the pieces of nets of rectified units."""

import math
from itertools import pairwise

import torch
from page import Page

from neurarium.nets.feedforward.approximation import (
    Layer,
    barron_bound,
    gaussian_constant,
    most_regions,
    pieces,
    reachable_regions,
)
from neurarium.report import plotting

_UNITS, _SEEDS = 8, 20


def approximation(page: Page, depths: tuple[int, ...]) -> None:
    """Barron's constant by the dimension; pieces of random and of chosen weights beside the bounds."""
    page.heading("What width and depth buy")
    page.say(
        """Barron's theorem gives one hidden layer of m sigmoid units a squared error of at most (2 r C)^2 / m on a ball
        of radius r, where C = int |w| |f^(w)| dw is the first moment of the Fourier transform. The rate 1/m knows no
        dimension. The constant may, and the notes leave it out (errata E35): for exp(-|x|^2 / 2) it grows as the
        root of the dimension, and with it the units that an error of 0.01 on the unit ball takes:"""
    )
    constants = [(n, gaussian_constant(n)) for n in (1, 10, 100, 1000)]
    page.table(
        ("inputs", "C", "units for an error of 0.01, by the bound"),
        [(f"{n:,}", f"{c:.3f}", f"{math.ceil(barron_bound(c, 1.0, 1) / 0.01):,}") for n, c in constants],
    )
    page.say(
        f"""Nets of rectified units are piecewise linear. One layer of m units cuts n dimensions into at most
        R(m) = sum of C(m, i), i up to n, pieces, and the deep net that has most of them has at least
        R(m) floor(m/n)^(n(L-1)). That is a bound for the best weights, not for every net (errata E36). Here are the
        pieces of nets with {_UNITS} units in every layer along the line from -10 to 10, counted exactly
        (`nets/feedforward/approximation.pieces`): of {_SEEDS} nets with random weights, and of the tent map
        1 - |2x - 1| put into itself, which needs two units a layer for two to the power of L pieces."""
    )
    rows, means = [], []
    for depth in depths:
        counts = [_random_pieces(depth, seed) for seed in range(_SEEDS)]
        mean = sum(counts) / len(counts)
        means.append(mean)
        tents = len(pieces(_tents(depth), torch.tensor([0.0]), torch.tensor([1.0]))) - 1
        rows.append(
            (
                str(depth),
                f"{mean:.1f} ({min(counts)} to {max(counts)})",
                f"{tents:,}",
                f"{reachable_regions(1, _UNITS, depth):,}",
            )
        )
    page.table(("layers", "random weights: mean (range)", "tent map, 2 units a layer", "some weights of 8 units"), rows)
    figure = plotting.new_figure(7.2, 3.8)
    axes = figure.subplots()
    plotting.style_axes(axes, "Linear pieces along a line", "hidden layers", "pieces")
    axes.plot(depths, means, color=plotting.BLUE, marker="o", label=f"random weights, {_UNITS} units a layer")
    axes.plot(depths, [2**d for d in depths], color=plotting.VERMILION, marker="s", label="tent map, 2 units a layer")
    best = [reachable_regions(1, _UNITS, d) for d in depths]
    axes.plot(depths, best, color=plotting.GREEN, marker="^", label=f"some weights, {_UNITS} units a layer")
    axes.set_yscale("log")
    axes.set_xticks(depths)
    axes.legend(frameon=False, fontsize=9, labelcolor=plotting.INK)
    page.picture("pieces", "linear pieces over depth: random weights, the tent map, the best weights", figure)
    page.say(
        f"""With one layer of {_UNITS} units there are at most {most_regions(1, _UNITS)} pieces. Random nets gain a few
        pieces with each layer where the best gain a factor: what depth makes possible, chance does not use."""
    )


def _random_pieces(depth: int, seed: int) -> int:
    generator = torch.Generator().manual_seed(seed)
    widths = [1, *[_UNITS] * depth]
    net = [
        (torch.randn(b, a, generator=generator) * math.sqrt(2 / a), torch.randn(b, generator=generator))
        for a, b in pairwise(widths)
    ]
    return len(pieces(net, torch.tensor([-10.0]), torch.tensor([10.0]))) - 1


def _tents(depth: int) -> list[Layer]:
    first = (torch.ones(2, 1), torch.tensor([0.0, -0.5]))
    again = (torch.tensor([[2.0, -4.0], [2.0, -4.0]]), torch.tensor([0.0, -0.5]))
    return [first, *[again] * (depth - 1)]
