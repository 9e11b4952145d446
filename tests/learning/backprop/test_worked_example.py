import math

import numpy as np
import pytest

from neurarium.learning.backprop.worked_example import worked_example, worked_example_text


def squash(net):
    return 1 / (1 + np.exp(-net))


def by_hand() -> dict[str, float]:
    """The whole example in NumPy, from the question's numbers alone."""
    a, b, t = 0.35, 0.9, 0.5
    w1, w2, w3, w4, w5, w6 = 0.3, 0.9, 0.1, 0.8, 0.4, 0.6

    def forward(w1, w2, w3, w4, w5, w6):
        net1, net2 = a * w3 + b * w4, a * w5 + b * w6
        h1, h2 = squash(net1), squash(net2)
        net = w1 * h1 + w2 * h2
        return net1, h1, net2, h2, net, squash(net)

    net1, h1, net2, h2, net, y = forward(w1, w2, w3, w4, w5, w6)
    delta = (y - t) * y * (1 - y)
    delta1, delta2 = delta * w1 * h1 * (1 - h1), delta * w2 * h2 * (1 - h2)
    new = (
        w1 - delta * h1,
        w2 - delta * h2,
        *(w3 - delta1 * a, w4 - delta1 * b, w5 - delta2 * a, w6 - delta2 * b),
    )
    again = forward(*new)
    found = dict(zip(("net1", "h1", "net2", "h2", "net", "y"), (net1, h1, net2, h2, net, y), strict=True))
    found |= dict(zip(("net1+", "h1+", "net2+", "h2+", "net+", "y+"), again, strict=True))
    found |= dict(zip(("w1+", "w2+", "w3+", "w4+", "w5+", "w6+"), new, strict=True))
    found |= {"delta": delta, "delta1": delta1, "delta2": delta2, "E": (y - t) ** 2 / 2, "E+": (again[-1] - t) ** 2 / 2}
    return found | {"E+ - E": found["E+"] - found["E"]}


def test_every_number_by_numpy() -> None:
    expected = by_hand()
    lines = worked_example()
    assert {line.name for line in lines} == set(expected)
    for line in lines:
        assert line.value == pytest.approx(expected[line.name], rel=1e-12, abs=1e-15), line.name


def test_the_new_weights_by_difference_quotients() -> None:
    weights = np.array([0.3, 0.9, 0.1, 0.8, 0.4, 0.6])

    def error(w) -> float:
        h1, h2 = squash(0.35 * w[2] + 0.9 * w[3]), squash(0.35 * w[4] + 0.9 * w[5])
        return (squash(w[0] * h1 + w[1] * h2) - 0.5) ** 2 / 2

    values = {line.name: line.value for line in worked_example()}
    for k in range(6):
        step = 1e-5 * np.eye(6)[k]
        slope = (error(weights + step) - error(weights - step)) / 2e-5
        assert values[f"w{k + 1}+"] == pytest.approx(weights[k] - slope, abs=1e-10)


def test_the_output_moves_as_the_issue_says() -> None:
    values = {line.name: line.value for line in worked_example()}
    assert f"{values['y']:.6f} -> {values['y+']:.6f}" == "0.690283 -> 0.682019"


def test_how_the_printed_numbers_come_about() -> None:
    lines = {line.name: line for line in worked_example()}
    assert [name for name, line in lines.items() if line.printed == "?"] == ["w3+", "w4+", "w5+", "w6+"]
    # the notes round the error signal to 0.0406 before they multiply
    assert math.floor(1e4 * 0.19 * 0.69 * 0.31) == 406
    assert lines["w1+"].printed == f"{0.3 - 0.0406 * 0.68:.6f}"
    assert lines["w2+"].printed == f"{0.9 - 0.0406 * 0.6637:.5f}"
    assert lines["w1+"].value - 0.272392 == pytest.approx(-0.00007, abs=5e-6)
    assert lines["w2+"].value - 0.87305 == pytest.approx(-0.00005, abs=5e-6)


def test_the_text_holds_every_number_to_full_precision() -> None:
    rows = worked_example_text().splitlines()
    for line in worked_example():
        row = next(row for row in rows if row.strip().startswith(f"{line.name} ") and " = " in row)
        assert float(row.split(" = ", 1)[1].split()[0]) == line.value  # repr gives the number back
        assert line.formula in row
        assert line.printed in row
