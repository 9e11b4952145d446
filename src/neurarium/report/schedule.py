"""Schedules as a figure: the factor on the learning rate over a run."""

from collections.abc import Mapping

from neurarium.learning.schedules import Schedule
from neurarium.report.drawn_types import Figure

EXAMPLES: Mapping[str, Schedule] = {
    "constant": Schedule("constant"),
    "step": Schedule("step", gamma=0.3, drops=3),
    "exponential": Schedule("exponential", min_factor=0.02),
    "cosine": Schedule("cosine"),
    "linear": Schedule("linear"),
    "inverse-sqrt": Schedule("inverse-sqrt", warmup=0.1),
    "cosine, warm-up 0.1": Schedule("cosine", warmup=0.1),
}
"""One of each that is a function of the step alone."""


def schedules_figure(schedules: Mapping[str, Schedule] = EXAMPLES, updates: int = 400) -> Figure:
    """Draw the factors of several schedules over a run of so many updates.

    Plateau is not drawn: it follows the scores of a run, whose figure of the learning rate shows it.
    """
    from neurarium.report import plotting

    columns = 4
    rows = -(-len(schedules) // columns)
    figure = plotting.new_figure(10.5, 2.3 * rows + 0.5)
    plotting.suptitle(figure, "Schedules: factor on the learning rate")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    fractions = [t / updates for t in range(updates)]
    for index, axes in enumerate(grid.flat):
        if index >= len(schedules):
            axes.set_axis_off()
            grid.flat[index - columns].xaxis.set_tick_params(labelbottom=True)
            continue
        name, schedule = list(schedules.items())[index]
        factor = schedule.factor(updates)
        axes.plot(fractions, [factor(t) for t in range(updates)], color=plotting.BLUE, linewidth=2.0)
        below = index + columns >= len(schedules)
        plotting.style_axes(
            axes, name, "fraction of the run" if below else "", "factor" if index % columns == 0 else ""
        )
        axes.set(xlim=(0, 1), ylim=(0, 1.06))
    return figure
