import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data import npz


def save(tmp_path, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    return tmp_path / "a.npz"


@pytest.mark.parametrize(
    ("x", "y"), [("x", "y"), ("X", "y"), ("images", "labels"), ("inputs", "targets"), ("data", "Y")]
)
def test_inputs_and_labels(tmp_path, digits, x, y):
    pixels, labels = digits
    data = npz.load(save(tmp_path, **{x: pixels, y: labels + 3}), "toy")
    assert (data.name, data.kind, data.shape, data.classes) == ("toy", "images", (1, 5, 4), ("3", "4", "5", "6"))
    assert data.counts() == {"train": 32, "development": 4, "test": 4}
    assert "development and test held out" in data.source
    parts = (data.train, data.development, data.test)
    stored = torch.cat([part.inputs for part in parts])[:, 0].numpy()
    targets = torch.cat([part.targets for part in parts]).numpy()
    # Every picture is there once, with the label it came with.
    assert {(p.tobytes(), int(t)) for p, t in zip(stored, targets, strict=True)} == {
        (p.tobytes(), int(t)) for p, t in zip(pixels, labels, strict=True)
    }
    np.testing.assert_allclose(data.scaling.mean[0], data.train.inputs.numpy().mean())


def test_parts_as_keras_keeps_them(tmp_path, digits):
    pixels, labels = digits
    path = save(
        tmp_path,
        x_train=pixels[:30],
        y_train=labels[:30, None],
        x_test=pixels[30:],
        y_test=labels[30:, None],
    )
    data = npz.load(path, "toy")
    assert data.counts() == {"train": 27, "development": 3, "test": 10}
    np.testing.assert_array_equal(data.test.inputs[:, 0], pixels[30:])
    assert data.test.targets.tolist() == labels[30:].tolist()
    whole = npz.load(
        save(tmp_path, x_train=pixels, y_train=labels, x_val=pixels, y_val=labels, x_test=pixels, y_test=labels), "t"
    )
    assert whole.counts() == {"train": 40, "development": 40, "test": 40}
    assert "held out" not in whole.source


def test_vectors_and_names(tmp_path):
    data = npz.load(save(tmp_path, x=np.arange(40.0).reshape(20, 2), y=np.array(["b", "a"] * 10)), "toy")
    assert (data.kind, data.shape, data.classes) == ("vectors", (2,), ("a", "b"))


X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"x": X},
            r"a\.npz: expected one of x, inputs, images, data and one of y, labels, .* got the keys x; save with",
        ),
        ({"y": Y, "weights": X}, "got the keys y, weights"),
        ({}, "got the keys of an empty archive"),
        ({"x": X, "y": Y[:19]}, r"a\.npz, y: expected 20 labels, one for each row of x, got shape \(19,\)"),
        ({"x": X.astype(object), "y": Y}, r"a\.npz: .* got pickled objects, .* never loaded"),
        ({"x": X, "y": Y.astype(object)}, "got pickled objects"),
        ({"x": X, "y": Y + 0.5}, "got labels of type float64"),
        ({"x": X, "y": Y - 1}, "label 0: expected a whole number >= 0, got -1"),
        ({"x": X, "y": Y * 0}, "expected two classes or more"),
        ({"x": X[:0], "y": Y[:0]}, "got an empty data set"),
        ({"x": np.where(X == 7, np.nan, X), "y": Y}, r"a\.npz, x, row 3, column 1 .* got nan"),
        ({"x_train": X, "y_train": Y * 0, "x_test": X, "y_test": Y}, "got an empty class: none of '1'"),
        (
            {"x_train": X, "y_train": Y, "x_test": X[:, :1], "y_test": Y},
            r"a\.npz, x_test: expected examples of shape \(2,\) as in training, got \(1,\)",
        ),
    ],
)
def test_bad_archives(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message):
        npz.load(save(tmp_path, **arrays), "toy")


def test_damaged_archives(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.random.default_rng(0).normal(size=(50, 9)), y=np.arange(50) % 2)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (b"", b"no archive at all", whole[: len(whole) // 2], whole[:-30], bytes(flipped)):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"a\.npz: expected .*; save"):
            npz.load(path, "toy")


def test_missing_file_and_single_array(tmp_path):
    with pytest.raises(DataError, match=r"b\.npz: expected an \.npz file, got no such file"):
        npz.load(tmp_path / "b.npz", "toy")
    with (tmp_path / "c.npz").open("wb") as file:
        np.save(file, X)
    with pytest.raises(DataError, match=r"c\.npz: expected an \.npz file, got a single array"):
        npz.load(tmp_path / "c.npz", "toy")
