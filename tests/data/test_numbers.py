import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.numbers import are_numbers, check_finite, check_varied, number_fields
from neurarium.record.schema import Field


@pytest.mark.parametrize(
    ("targets", "numbers"),
    [
        (np.array([0, 1, 1]), False),
        (np.array([0.0, 1.0]), False),
        (np.array([0.0, 1.5]), True),
        (np.array([[0.5], [1.0]]), True),
        (np.array([0.0, np.nan]), True),
        (np.array([[1.0, 1.0], [0.0, 1.0]]), True),
        (np.array(["1.5", "2.5"]), False),
        (np.array([True, False]), False),
        (np.ones((2, 3, 3)) / 2, False),
        (np.arange(50), False),
        (np.repeat(np.arange(51), 10), False),
        (np.array([-1.5, 0.0]), True),
        (np.array([]), False),
    ],
)
def test_numbers_are_told_from_classes(targets, numbers):
    assert are_numbers(targets, "t", "") is numbers


def test_whole_numbers_that_may_be_either_are_refused():
    with pytest.raises(DataError, match=r"t: .* more than 50 different .* got 51 different ones in 509 examples; ask$"):
        are_numbers(np.repeat(np.arange(51), 10)[:509], "t", "ask")
    with pytest.raises(DataError, match=r"t: .* got shape \(2, 2\) of integers; ask"):
        are_numbers(np.array([[1, 1], [0, 1]]), "t", "ask")


@pytest.mark.parametrize("kind", [int, float])
def test_one_hot_rows_are_refused(kind):
    with pytest.raises(DataError, match=r"got shape \(3, 3\), a single 1 in each row; .*argmax"):
        are_numbers(np.eye(3, dtype=kind), "t", "ask")


@pytest.mark.parametrize(
    ("outputs", "name"),
    [
        (["price"], "price"),
        (["Price_1"], "Price_1"),
        (["price per m"], "target"),
        (["7"], "target"),
        (["y[0]"], "target"),
        (["image"], "target"),
        (["a", "b"], "target"),
    ],
)
def test_fields(outputs, name):
    assert number_fields(outputs) == {name: Field((len(outputs),), names=tuple(outputs))}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_undefined_numbers_are_named(bad):
    targets = torch.ones(5, 2)
    check_finite(targets, ("a", "b"), "t")
    targets[3, 1] = bad
    with pytest.raises(DataError, match=rf"t, b, row 3 \(counted from 0.*: expected a finite number .* got {bad}"):
        check_finite(targets, ("a", "b"), "t")


def test_nothing_to_learn():
    targets = torch.tensor([[1.0, 2.0], [3.0, 2.0]])
    with pytest.raises(DataError, match=r"t, b: expected numbers to predict that differ .* got 2 for all of them"):
        check_varied(targets, ("a", "b"), "t")
    with pytest.raises(DataError, match="t: expected at least one example"):
        check_varied(targets[:0], ("a", "b"), "t")
    check_varied(targets[:, :1], ("a",), "t")
