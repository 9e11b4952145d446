import itertools

import pytest
import torch

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.nets.connectionist.mcculloch_pitts import (
    ThresholdLayer,
    boolean_inputs,
    functions_of_one_unit,
    gate,
    threshold_units,
    truth_table,
    xor_net,
)

FORMS = ("weighted", "absolute")


def logic(function, inputs: int) -> tuple[int, ...]:
    return tuple(int(function(*row)) for row in itertools.product((False, True), repeat=inputs))


@pytest.mark.parametrize("inhibition", FORMS)
@pytest.mark.parametrize("inputs", [1, 2, 3, 5])
def test_gates_are_the_logic_of_python(inputs: int, inhibition) -> None:
    assert truth_table(gate("and", inputs, inhibition), inputs) == logic(lambda *x: all(x), inputs)
    assert truth_table(gate("or", inputs, inhibition), inputs) == logic(lambda *x: any(x), inputs)
    assert truth_table(gate("nor", inputs, inhibition), inputs) == logic(lambda *x: not any(x), inputs)
    assert truth_table(gate("not", 1, inhibition), 1) == (1, 0)


@pytest.mark.parametrize("inhibition", FORMS)
def test_nets_of_units(inhibition) -> None:
    assert truth_table(xor_net(inhibition), 2) == logic(lambda a, b: a != b, 2)
    equal = torch.nn.Sequential(xor_net(inhibition), gate("not", 1, inhibition))
    assert truth_table(equal, 2) == logic(lambda a, b: a == b, 2)
    assert (xor_net(inhibition)(torch.tensor([[[0, 1], [1, 1]], [[1, 0], [0, 0]]])).squeeze(-1)).tolist() == [
        [1, 0],
        [1, 0],
    ]


def test_one_inhibitory_input_silences_in_1943_and_takes_one_away_in_the_notes() -> None:
    for row in itertools.product((0, 1), repeat=4):
        x = torch.tensor([row])
        sigma, theta = torch.tensor([[1.0, 1.0, 1.0, -1.0]]), torch.tensor([2.0])
        excited, inhibited = sum(row[:3]), row[3]
        assert threshold_units(x, sigma, theta, "weighted").item() == (excited - inhibited >= 2)
        assert threshold_units(x, sigma, theta, "absolute").item() == (excited >= 2 and not inhibited)


# by hand, for the absolute form: 1, 0, or, and, x1 and not x2, x2 and not x1, not x1, not x2, nor
@pytest.mark.parametrize(
    ("synapses", "inhibition", "count"),
    [
        ((-1.0, 1.0), "weighted", 10),
        ((-1.0, 1.0), "absolute", 9),
        ((-1.0, 0.0, 1.0), "weighted", 14),
        ((-2.0, -0.5, 0.0, 0.3, 1.0, 1.7), "weighted", 14),
    ],
)
def test_functions_of_two_inputs(synapses, inhibition, count: int) -> None:
    found = functions_of_one_unit(2, synapses, inhibition)
    assert len(found) == count
    for table, (unit, theta) in found.items():
        if inhibition == "weighted":
            assert table == logic(lambda a, b, u=unit, t=theta: u[0] * a + u[1] * b >= t, 2)
        assert truth_table(ThresholdLayer([unit], [theta], inhibition).double(), 2) == table
    xor, equal = logic(lambda a, b: a != b, 2), logic(lambda a, b: a == b, 2)
    assert xor not in found
    assert equal not in found
    if synapses == (-1.0, 1.0) and inhibition == "weighted":
        missing = {logic(lambda a, b: a, 2), logic(lambda a, b: b, 2), xor, equal}
        missing |= {logic(lambda a, b: not a, 2), logic(lambda a, b: not b, 2)}
        assert set(itertools.product((0, 1), repeat=4)) - set(found) == missing


def test_threshold_functions_of_three_inputs_are_104() -> None:
    # S. Muroga, "Threshold logic and its applications", 1971: 2, 4, 14, 104, 1882, ...; synapses up to 2 suffice
    assert len(functions_of_one_unit(3, (-2.0, -1.0, 0.0, 1.0, 2.0))) == 104
    assert len(functions_of_one_unit(1, (-1.0, 0.0, 1.0))) == 4


def test_rows_of_a_truth_table() -> None:
    assert boolean_inputs(2).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_what_no_unit_takes() -> None:
    unit = gate("and", 2)
    with pytest.raises(DataError, match="only 0 and 1"):
        unit(torch.tensor([[0.5, 1.0]]))
    with pytest.raises(DataError):
        unit(torch.tensor([[float("nan"), 1.0]]))
    with pytest.raises(ShapeError, match="2 numbers"):
        unit(torch.zeros(4, 3))
    with pytest.raises(ConfigError, match="nor"):
        gate("nand", 2)
    with pytest.raises(ConfigError):
        gate("not", 2)
    with pytest.raises(ConfigError, match="one for each unit"):
        ThresholdLayer([[1.0, 1.0]], [1.0, 2.0])
    with pytest.raises(ConfigError, match="weighted, absolute"):
        ThresholdLayer([[1.0]], [1.0], "relative")
    for inputs, synapses in ((0, (1.0,)), (2, ()), (12, (-1.0, 0.0, 1.0))):
        with pytest.raises(ConfigError, match="truth tables"):
            functions_of_one_unit(inputs, synapses)
