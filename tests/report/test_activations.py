import math

import numpy as np

from neurarium.nets.parts.activation import ACTIVATIONS
from neurarium.report.activations import activations_figure


def test_every_activation_is_drawn_with_its_derivative():
    figure = activations_figure()
    figure.draw_without_rendering()
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes}
    assert set(panels) == {name.replace("_", " ") for name in ACTIVATIONS}
    right = {line.get_label(): line for line in panels["sigmoid"].get_lines()}
    x = right["f(x)"].get_xdata()
    logistic = np.array([1 / (1 + math.exp(-value)) for value in x])
    np.testing.assert_allclose(right["f(x)"].get_ydata(), logistic, rtol=1e-6)
    np.testing.assert_allclose(right["f'(x)"].get_ydata(), logistic * (1 - logistic), rtol=1e-6)


def test_no_line_runs_through_a_jump():
    sign = next(axes for axes in activations_figure().axes if axes.get_title(loc="left") == "sign")
    for line in sign.get_lines():
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        if len(x) > 2:
            assert np.ptp(y) == 0
            assert (x < 0).all() or (x > 0).all()
