import io
import zipfile

import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data import npz
from neurarium.data.scaling import unscaled


def save(tmp_path, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    return tmp_path / "a.npz"


@pytest.mark.parametrize(
    ("x", "y"), [("x", "y"), ("X", "y"), ("images", "labels"), ("inputs", "targets"), ("data", "Y")]
)
def test_inputs_and_labels(tmp_path, digits, x, y):
    pixels, labels = digits
    data = npz.load(save(tmp_path, **{x: pixels, y: labels + 3}), "toy")
    assert (data.name, data.schema.input.shape, data.schema.classes) == ("toy", (1, 5, 4), ("3", "4", "5", "6"))
    assert list(data.schema.fields) == ["image", "label"]
    assert data.counts() == {"train": 32, "validation": 4, "test": 4}
    assert "validation and test held out" in data.provenance
    parts = data.parts().values()
    stored = torch.cat([part.inputs[0] for part in parts])[:, 0].numpy()
    targets = torch.cat([part.target("label") for part in parts]).numpy()
    # Every image is there once, with the label it came with.
    assert {(p.tobytes(), int(t)) for p, t in zip(stored, targets, strict=True)} == {
        (p.tobytes(), int(t)) for p, t in zip(pixels, labels, strict=True)
    }
    np.testing.assert_allclose(data.schema.input.mean[0], data.train.inputs[0].numpy().mean())


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
    assert data.counts() == {"train": 27, "validation": 3, "test": 10}
    np.testing.assert_array_equal(data.test.inputs[0][:, 0], pixels[30:])
    assert data.test.target("label").tolist() == labels[30:].tolist()
    whole = npz.load(
        save(tmp_path, x_train=pixels, y_train=labels, x_val=pixels, y_val=labels, x_test=pixels, y_test=labels), "t"
    )
    assert whole.counts() == {"train": 40, "validation": 40, "test": 40}
    assert "held out" not in whole.provenance


def test_vectors_and_names(tmp_path):
    data = npz.load(save(tmp_path, x=np.arange(40.0).reshape(20, 2), y=np.array(["b", "a"] * 10)), "toy")
    assert (data.schema.input, data.schema.classes) == (data.train.schema.inputs["features"], ("a", "b"))
    assert (data.schema.input.shape, data.schema.input.names) == ((2,), ())


RANDOM = np.random.default_rng(1)
PRICES = np.round(RANDOM.normal(3e5, 4e4, (60, 2)))
ROOMS = RANDOM.normal(size=(60, 3))


def assert_rows_keep_their_numbers(data, inputs, numbers):
    """Every row of the source is there once, with its numbers in the source's units."""
    parts = data.parts().values()
    found = {tuple(row): y for part in parts for row, y in zip(part.inputs[0].numpy(), part.targets[0], strict=True)}
    assert len(found) == len(inputs)
    for row, number in zip(inputs, numbers, strict=True):
        np.testing.assert_allclose(unscaled(found[tuple(row)].double(), data.schema.target), number, 1e-6, 1e-6)


@pytest.mark.parametrize(
    ("arrays", "name", "outputs"),
    [
        ({"y": PRICES[:, 0] + 0.25}, "y", ("y",)),
        ({"targets": PRICES[:, :1] + 0.25}, "targets", ("targets",)),
        ({"Y": PRICES.astype(np.float32)}, "target", ("Y[0]", "Y[1]")),
        ({"numbers": PRICES[:, 0].astype(np.int32)}, "numbers", ("numbers",)),
        ({"numbers": np.arange(60) % 3}, "numbers", ("numbers",)),
        ({"numbers": PRICES.astype(int)}, "target", ("numbers[0]", "numbers[1]")),
    ],
)
def test_numbers_to_predict(tmp_path, arrays, name, outputs):
    data = npz.load(save(tmp_path, x=ROOMS, **arrays), "toy")
    assert (list(data.schema.targets), data.schema.classes) == ([name], outputs)
    assert data.schema.target.shape == (len(outputs),)
    assert data.counts() == {"train": 48, "validation": 6, "test": 6}
    assert data.train.target(name).shape == (48, len(outputs))
    (numbers,) = arrays.values()
    assert_rows_keep_their_numbers(data, ROOMS, numbers.reshape(60, -1))


@pytest.mark.parametrize("key", ["y", "numbers"])
def test_numbers_of_parts_as_keras_keeps_them(tmp_path, key):
    y = PRICES[:, 0] + 0.5
    path = save(
        tmp_path, **{"x_train": ROOMS[:50], f"{key}_train": y[:50], "x_test": ROOMS[50:], f"{key}_test": y[50:, None]}
    )
    data = npz.load(path, "toy")
    assert data.counts() == {"train": 45, "validation": 5, "test": 10}
    assert data.schema.classes == (key,)
    np.testing.assert_array_equal(data.test.inputs[0], ROOMS[50:])
    np.testing.assert_allclose(unscaled(data.test.target(key), data.schema.target)[:, 0], y[50:], rtol=1e-6)


@pytest.mark.parametrize("kind", [int, float])
def test_whole_numbers_are_classes_unless_they_may_be_either(tmp_path, kind):
    few = npz.load(save(tmp_path, x=ROOMS, y=(np.arange(60) % 30).astype(kind)), "toy")
    assert few.schema.target.categories == tuple(map(str, range(30)))
    with pytest.raises(DataError, match=r"a\.npz, y: .* got 60 different ones in 60 examples; save .* key numbers in"):
        npz.load(save(tmp_path, x=ROOMS, y=np.arange(60).astype(kind)), "toy")
    assert len(npz.load(save(tmp_path, x=ROOMS, y=np.arange(60).astype(str)), "toy").schema.target.categories) == 60


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
        ({"x": X, "y": Y.astype(complex)}, "got labels of type complex128"),
        ({"x": X, "y": np.eye(20)}, r"a\.npz, y: .* got shape \(20, 20\), a single 1 in each row; .*argmax"),
        ({"x": X, "y": np.eye(20, dtype=int)}, r"a\.npz, y: .* got shape \(20, 20\), a single 1 in each row; .*argmax"),
        ({"x": X, "y": X.astype(int)}, r"a\.npz, y: .* got shape \(20, 2\) of integers; save .* under the key numbers"),
        ({"x": X, "y": np.where(Y == 1, np.inf, 0.5)}, r"a\.npz, y, row 1 .*: expected a finite number .* got inf"),
        ({"x": X, "numbers": Y * 0}, r"a\.npz, numbers: expected numbers to predict that differ .* got 0 for all"),
        ({"x": X, "numbers": Y.astype(str)}, r"a\.npz, numbers: expected numbers to predict, .* type <U"),
        ({"x": X, "numbers": X[:, None]}, r"a\.npz, numbers: expected numbers to predict, .* got shape \(20, 1, 2\)"),
        ({"x": X[:0], "numbers": X[:0]}, "got an empty data set"),
        (
            {"x_train": X, "y_train": X + 0.5, "x_test": X, "y_test": Y + 0.5},
            r"a\.npz, y_test: expected labels of shape \(examples, 2\) as in training, got shape \(20,\)",
        ),
        (
            {"x_train": X, "y_train": Y + 0.5, "x_test": X, "y_test": np.where(Y == 1, np.nan, 0.5)},
            r"a\.npz, test, y, row 1 .* got nan",
        ),
        ({"x": X, "y": Y - 1}, "label 0: expected an integer >= 0, got -1"),
        ({"x": X, "y": Y * 0}, "expected two classes or more"),
        ({"x": X[:0], "y": Y[:0]}, "got an empty data set"),
        ({"x": np.where(X == 7, np.nan, X), "y": Y}, r"a\.npz, x, row 3, column 1 .* got nan"),
        ({"x_train": X, "y_train": Y * 0, "x_test": X, "y_test": Y}, "got an empty class: none of '1'"),
        (
            {"x_train": X, "y_train": Y, "x_test": X[:, :1], "y_test": Y},
            r"a\.npz, x_test: expected examples of shape \(2,\) as in training, got \(1,\)",
        ),
        (
            {"x_train": X, "y_train": Y, "x_test": X[:, :, None], "y_test": Y},
            r"a\.npz, x_test: expected examples of shape \(2,\) as in training, got \(1, 2, 1\)",
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


@pytest.mark.parametrize("place", [6, 8])
@pytest.mark.parametrize("value", [1, 32, 64, 99])
def test_archives_that_zipfile_cannot_unpack(tmp_path, place, value):
    """Flags for encryption and patches, methods of compression that nobody knows, in both headers of an entry."""
    path = tmp_path / "d.npz"
    np.savez(path, x=np.zeros((4, 2)), y=np.arange(4))
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        content[content.index(signature) + offset + place] = value
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a whole \.npz file"):
        npz.load(path, "d")


def test_an_array_that_claims_more_than_there_is_memory(tmp_path):
    path = tmp_path / "d.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x.npy", "y.npy"):
            archive.writestr(name, header.getvalue())
    with pytest.raises(DataError, match=r"a whole \.npz file"):
        npz.load(path, "d")
