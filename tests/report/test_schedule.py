import numpy as np

from neurarium.learning.schedules import Schedule
from neurarium.report.schedule import EXAMPLES, schedules_figure


def test_every_schedule_is_drawn():
    figure = schedules_figure()
    figure.draw_without_rendering()
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}
    assert set(panels) == set(EXAMPLES)
    line = panels["cosine"].get_lines()[0]
    np.testing.assert_allclose(line.get_ydata(), (1 + np.cos(np.pi * line.get_xdata())) / 2, atol=1e-12)


def test_your_own():
    axes = schedules_figure({"mine": Schedule("step", gamma=0.5, drops=1)}, updates=10).axes[0]
    assert list(axes.get_lines()[0].get_ydata()) == [1] * 5 + [0.5] * 5
