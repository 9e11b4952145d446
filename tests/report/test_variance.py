import io
import math

import numpy as np
import pytest
from rich.console import Console

from neurarium.learning.variance import LayerVariance
from neurarium.report.variance import variance_figure, variance_table


def row(k: int, theory: float | None = None, error: float | None = 1.0) -> LayerVariance:
    return LayerVariance(f"layers.{k}", "Linear", 2.0**-k, 1.5 * 2.0**-k, 0.5, theory, error, None)


def test_the_picture_holds_the_numbers():
    rows = [row(0, 1.1), row(1), row(2, 0.3, error=None)]
    forwards, backwards = variance_figure(rows, "$net$").axes
    measured, theory = forwards.get_lines()
    assert list(measured.get_ydata()) == [1, 0.5, 0.25]
    np.testing.assert_array_equal(theory.get_ydata(), [1.1, math.nan, 0.3])
    assert list(measured.get_xdata()) == [1, 2, 3]
    np.testing.assert_array_equal(backwards.get_lines()[0].get_ydata(), [1, 1, math.nan])
    assert [label.get_text() for label in backwards.get_xticklabels()] == ["layers.0", "layers.1", "layers.2"]


@pytest.mark.parametrize("count", [1, 5, 25])
def test_any_depth_can_be_drawn(count):
    figure = variance_figure([row(k, 2.0**-k) for k in range(count)], "x")
    figure.draw_without_rendering()
    assert figure.axes[0].get_yscale() == ("log" if count >= 5 else "linear")


def test_a_signal_that_has_died_can_be_drawn():
    dead = LayerVariance("a", "ReLU", 0.0, 0.0, None, 0.0, 0.0, 0.0)
    variance_figure([row(0), dead], "x").draw_without_rendering()
    variance_figure([dead], "x").draw_without_rendering()


def test_the_table_shows_every_layer():
    console = Console(file=io.StringIO(), width=140)
    console.print(
        variance_table([row(0, 1.25), row(3, None, None), LayerVariance("", "[x]", 1.0, 1.0, None, None, 1.0, 2.0)])
    )
    text = console.file.getvalue()
    for part in ("layers.0", "1.25", "0.125", "0.188", "0.500", "(net)", "[x]"):
        assert part in text
