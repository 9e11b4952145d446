from itertools import product

from neurarium.report.units_figure import functions_figure


def test_a_line_for_every_function_but_two() -> None:
    figure = functions_figure()
    assert len(figure.axes) == 16
    for axes, table in zip(figure.axes, product((0, 1), repeat=4), strict=True):
        title = axes.get_title()
        assert ("no unit" in title) == (table in {(0, 1, 1, 0), (1, 0, 0, 1)})
        filled = [line.get_markerfacecolor() == line.get_markeredgecolor() for line in axes.lines[1:]]
        assert filled == [bool(value) for value in table]


def test_corners_lie_on_the_right_side_of_the_line() -> None:
    """The shaded half-plane holds the corners where the function is 1, and no other."""
    for axes, table in zip(functions_figure().axes, product((0, 1), repeat=4), strict=True):
        if "no unit" in axes.get_title():
            continue
        numbers = axes.get_title().replace("−", "-")
        sigma, theta = numbers.split("\n")
        a, b = (float(z) for z in sigma.split("(")[1].rstrip(")").split(","))
        corners = product((0, 1), repeat=2)
        assert tuple(int(a * x + b * y >= float(theta.split("=")[1])) for x, y in corners) == table
