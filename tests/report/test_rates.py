import numpy as np
import pytest

from neurarium.report.rates import rates_figure, suggestions
from neurarium.training.rate_finder import DIVISOR, RateCurve

RATES = tuple(np.geomspace(1e-5, 1.0, 51))
LOSSES = tuple(2.3 - 1.2 / (1 + np.exp(-(np.log10(RATES) + 3) * 4)) + 40 * np.clip(np.log10(RATES) + 0.3, 0, None))
CURVE = RateCurve(RATES, tuple(x + 0.05 * (-1) ** i for i, x in enumerate(LOSSES)), LOSSES, RATES[-1])


def line(axes, label):
    return next(item for item in axes.get_lines() if item.get_label().startswith(label))


def test_the_picture_holds_the_numbers():
    axes = rates_figure(CURVE, "x").axes[0]
    assert axes.get_xscale() == "log"
    np.testing.assert_allclose(line(axes, "running mean").get_xdata(), RATES)
    np.testing.assert_allclose(line(axes, "running mean").get_ydata(), LOSSES)
    np.testing.assert_allclose(line(axes, "single mini-batches").get_ydata(), CURVE.losses)
    lowest = int(np.argmin(LOSSES))
    assert line(axes, "minimum:").get_xdata()[0] == RATES[lowest]
    assert line(axes, "advised").get_xdata()[0] == pytest.approx(RATES[lowest] / DIVISOR)
    # the logistic curve falls fastest at its middle, 10^-3
    assert 0.5e-3 < line(axes, "steepest").get_xdata()[0] < 2e-3
    assert line(axes, "diverged").get_xdata()[0] == 1


def test_legend_lies_above_the_curve():
    figure = rates_figure(CURVE, "x")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1
    assert axes.get_ylim()[1] >= max(LOSSES)


def test_losses_over_decades_are_drawn_on_a_logarithmic_scale():
    falling = tuple(10.0 ** -(k / 8) for k in range(51))
    assert rates_figure(RateCurve(RATES, falling, falling, None), "x").axes[0].get_yscale() == "log"


def test_words():
    lines = suggestions(CURVE)
    assert [text.split("  ")[0] for text in lines] == ["advised", "steepest descent", "diverged at"]


def test_not_diverged_is_said_only_of_a_loss_that_still_falls():
    rises = suggestions(RateCurve(RATES, LOSSES, LOSSES, None))[2]
    assert "has not diverged" not in rises
    assert "The loss rises from" in rises
    lowest = int(np.argmin(LOSSES))
    falls = RateCurve(RATES[: lowest + 1], LOSSES[: lowest + 1], LOSSES[: lowest + 1], None)
    assert "has not diverged" in suggestions(falls)[2]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_sweep_that_ended_at_once(count):
    curve = RateCurve(RATES[:count], (3.0, 4.0)[:count], (3.0, 4.0)[:count], 1e-5)
    assert "No rate in this range" in suggestions(curve)[0]
    rates_figure(curve, "x").draw_without_rendering()
