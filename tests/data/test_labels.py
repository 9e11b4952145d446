import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.labels import by_name, class_fields, encode
from neurarium.record.schema import Field


@pytest.mark.parametrize(
    ("labels", "numbers", "classes"),
    [
        (np.array([3, 1, 3, 10], dtype=np.uint8), [1, 0, 1, 2], ("1", "3", "10")),
        (np.array([[0], [2]]), [0, 1], ("0", "2")),
        (np.array(["dog", "cat", "dog"]), [1, 0, 1], ("cat", "dog")),
        (np.array(["10", "9", "10"]), [1, 0, 1], ("9", "10")),
        (np.array([b"dog", b"cat"]), [1, 0], ("cat", "dog")),
        (np.array([True, False]), [1, 0], ("False", "True")),
        (np.array([10.0, 9.0]), [1, 0], ("9", "10")),
    ],
)
def test_classes_are_numbered_in_order(labels, numbers, classes):
    targets, names = encode(labels, "pets")
    assert targets.dtype == torch.int64
    assert (targets.tolist(), names) == (numbers, classes)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0.5, 1.0]), "pets: expected labels that are integers or names, got fractions; number the"),
        (np.array([0.0, 2.0**60]), "expected labels that are integers or names"),
        (np.array([0.0, np.nan]), "expected labels that are integers or names"),
        (np.array([1j]), "got labels of type complex128"),
        (np.array([2, 0, -1, -2]), "pets, label 2: expected an integer >= 0, got -1"),
        (np.eye(3, dtype=np.int64), r"expected one label an example, got shape \(3, 3\); .*argmax"),
        (np.array(["cat", "", "dog"]), "pets, label 1: expected a name, got nothing"),
        (np.array(3), "expected one label an example"),
    ],
)
def test_labels_that_are_no_classes(labels, message):
    with pytest.raises(DataError, match=message):
        encode(labels, "pets")


def test_fields():
    assert class_fields(["b", "a"]) == {"label": Field((), categories=("b", "a"))}
    assert class_fields("49", ("digit",)) == {"label": Field((), categories=("4", "9"), names=("digit",))}


def test_by_name():
    assert by_name(["10", "9", "1"]) == ["1", "9", "10"]
    assert by_name(["b", "10", "9"]) == ["10", "9", "b"]
