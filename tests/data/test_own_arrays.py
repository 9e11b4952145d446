import sys

import numpy as np
import pandas as pd
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.own_arrays import dataset_of_frame, dataset_of_pair, is_pandas
from neurarium.data.plan import in_order
from neurarium.data.scaling import unscaled
from neurarium.record.schema import Field

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(5, 3, (50, 3))
PIXELS = RANDOM.integers(0, 256, (50, 6, 5)).astype(np.uint8)
PRICES = RANDOM.normal(2e5, 3e4, (50, 2)).round(2)
KINDS = np.array(["cat", "dog"] * 25)


def stored(data):
    """Inputs and targets of all parts, in the units of the source."""
    parts = [part for part in data.parts().values() if len(part)]
    inputs = torch.cat([part.inputs[0] for part in parts]).numpy()
    name, field = next(iter(data.schema.targets.items()))
    return inputs, torch.cat([unscaled(part.target(name).double(), field) for part in parts]).numpy()


def assert_same_rows(data, rows, answers):
    inputs, targets = stored(data)
    order = [int(np.abs(rows - row).reshape(len(rows), -1).sum(1).argmin()) for row in inputs]
    assert sorted(order) == list(range(len(rows)))
    np.testing.assert_allclose(inputs, rows[order])
    np.testing.assert_allclose(targets, answers[order], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("y", "classes", "numbers"),
    [
        (np.arange(50) % 3, ("0", "1", "2"), np.arange(50) % 3),
        ((np.arange(50) % 3)[:, None] + 5, ("5", "6", "7"), np.arange(50) % 3),
        (torch.arange(50) % 2, ("0", "1"), np.arange(50) % 2),
        (torch.arange(50) % 2 == 0, ("False", "True"), 1 - np.arange(50) % 2),
        (KINDS, ("cat", "dog"), np.arange(50) % 2),
        (KINDS.astype(object), ("cat", "dog"), np.arange(50) % 2),
        (KINDS.tolist(), ("cat", "dog"), np.arange(50) % 2),
        (pd.Series(KINDS), ("cat", "dog"), np.arange(50) % 2),
        (pd.Series(KINDS, dtype="category"), ("cat", "dog"), np.arange(50) % 2),
        (pd.Series(np.arange(50) % 2, dtype="Int64"), ("0", "1"), np.arange(50) % 2),
        (pd.Series(np.arange(50) % 2 == 1, dtype="boolean"), ("False", "True"), np.arange(50) % 2),
        (pd.DataFrame({"kind": KINDS}), ("cat", "dog"), np.arange(50) % 2),
    ],
)
def test_classes(y, classes, numbers):
    data = dataset_of_pair(ROWS, y)
    named = ("kind",) if isinstance(y, pd.DataFrame) else ()
    assert data.schema.targets == {"label": Field((), categories=classes, names=named)}
    assert data.provenance == "memory; validation and test held out from training examples, stratified, fixed seed"
    assert data.counts()["train"] + 2 * data.counts()["test"] == 50
    assert_same_rows(data, ROWS, numbers)


@pytest.mark.parametrize(
    ("y", "name", "outputs"),
    [
        (PRICES[:, 0], "target", ("target",)),
        (np.arange(50.0), "target", ("target",)),
        (torch.from_numpy(PRICES[:, :1]), "target", ("target",)),
        (torch.from_numpy(PRICES).float(), "target", ("target[0]", "target[1]")),
        (torch.from_numpy(PRICES).bfloat16(), "target", ("target[0]", "target[1]")),
        (pd.Series(PRICES[:, 0], name="price"), "price", ("price",)),
        (pd.Series(PRICES[:, 0]), "target", ("target",)),
        (pd.DataFrame(PRICES, columns=["price", "tax"]), "target", ("price", "tax")),
        (pd.DataFrame({"price": PRICES[:, 0], "rooms": np.arange(50) % 4}), "target", ("price", "rooms")),
    ],
)
def test_numbers(y, name, outputs):
    data = dataset_of_pair(ROWS, y)
    assert (list(data.schema.targets), data.schema.classes) == ([name], outputs)
    answers = np.asarray(y.float() if isinstance(y, torch.Tensor) else y, dtype=float).reshape(50, -1)
    learned = stored(data)[1][: data.counts()["train"]]
    np.testing.assert_allclose(data.schema.target.std, learned.std(0), rtol=1e-5)
    assert_same_rows(data, ROWS, answers)


@pytest.mark.parametrize(
    ("convert", "shape", "source"),
    [
        (lambda: ROWS, (3,), ROWS),
        (lambda: torch.from_numpy(ROWS).requires_grad_(), (3,), ROWS),
        (lambda: ROWS.tolist(), (3,), ROWS),
        (lambda: pd.Series(ROWS[:, 0], name="w"), (1,), ROWS[:, :1]),
        (lambda: PIXELS, (1, 6, 5), PIXELS[:, None]),
        (lambda: torch.from_numpy(PIXELS)[:, None], (1, 6, 5), PIXELS[:, None]),
        (lambda: torch.from_numpy(np.stack([PIXELS] * 3, 1)).float(), (3, 6, 5), np.stack([PIXELS] * 3, 1)),
        (lambda: np.stack([PIXELS] * 3, 3), (3, 6, 5), np.stack([PIXELS] * 3, 1)),
    ],
)
def test_inputs(convert, shape, source):
    data = dataset_of_pair(convert(), KINDS)
    assert (list(data.schema.inputs), data.schema.input.shape) == (["features" if len(shape) == 1 else "image"], shape)
    assert data.schema.input.standardized
    assert_same_rows(data, source.astype(float), np.arange(50) % 2)


def test_no_targets():
    data = dataset_of_pair(PIXELS, None)
    assert (data.schema.targets, data.counts()["train"]) == ({}, 40)


FRAME = pd.DataFrame(
    {
        "w": ROWS[:, 0],
        "h": (np.arange(50) % 7).astype(np.int16),
        "open": np.arange(50) % 3 == 0,
        "size": pd.array(np.arange(50) % 5, dtype="Int64"),
        "kind": KINDS,
        "price": PRICES[:, 0],
    }
)
NUMERIC = ["w", "h", "open", "size"]


def test_frames_keep_the_names_of_their_columns():
    data = dataset_of_frame(FRAME.drop(columns="price"), ["kind"])
    assert data.schema.inputs == {"features": data.schema.input}
    assert data.schema.input.names == tuple(NUMERIC)
    assert data.schema.targets == {"label": Field((), categories=("cat", "dog"), names=("kind",))}
    assert_same_rows(data, FRAME[NUMERIC].to_numpy(dtype=float), np.arange(50) % 2)


def test_columns_of_numbers_may_be_predicted_together():
    data = dataset_of_frame(FRAME.drop(columns="kind"), ["price", "h"])
    assert data.schema.input.names == ("w", "open", "size")
    assert (list(data.schema.targets), data.schema.classes) == (["target"], ("price", "h"))
    assert_same_rows(data, FRAME[["w", "open", "size"]].to_numpy(dtype=float), FRAME[["price", "h"]].to_numpy(float))
    assert list(dataset_of_frame(FRAME.drop(columns="kind"), ["price"]).schema.targets) == ["price"]


def test_columns_without_text_for_names():
    frame = pd.DataFrame(np.column_stack([ROWS, np.arange(50) % 2]))
    data = dataset_of_frame(frame.astype({3: int}), ["3"])
    assert (data.schema.input.names, data.schema.classes) == (("0", "1", "2"), ("0", "1"))


def with_gap(frame, column, row):
    changed = frame.copy()
    changed.loc[row, column] = None
    return changed


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: dataset_of_frame(FRAME, ["price"]),
            "column kind: expected numbers, got type (str|object); turn it into numbers",
        ),
        (lambda: dataset_of_frame(FRAME, []), r"target: expected a column of w, h, open, size, kind, price, got none"),
        (
            lambda: dataset_of_frame(FRAME, ["prize"]),
            "target: expected a column of .*, got 'prize'; did you mean price",
        ),
        (lambda: dataset_of_frame(FRAME[["kind"]], ["kind"]), "data: expected a column of features, got none"),
        (
            lambda: dataset_of_frame(with_gap(FRAME.drop(columns="kind"), "w", 7), ["price"]),
            r"column w, row 7 \(counted from 0\): expected a value, got nothing; fill the gap",
        ),
        (
            lambda: dataset_of_frame(with_gap(FRAME.drop(columns="price"), "kind", 4), ["kind"]),
            r"column kind, row 4 \(counted from 0\): expected a value, got nothing",
        ),
        (lambda: dataset_of_frame(FRAME, ["price", "kind"]), "column kind: expected numbers, as several are to be pre"),
        (
            lambda: dataset_of_frame(FRAME[["w", "price"]].assign(day=pd.Timestamp("2026-01-01")), ["price"]),
            r"column day: expected numbers, got type datetime64",
        ),
        (
            lambda: dataset_of_pair(ROWS, KINDS[:49]),
            "y: expected 50 targets, one for each row of X, got 49; give inputs",
        ),
        (lambda: dataset_of_pair(ROWS[:, 0], KINDS), r"X: expected \(examples, features\), .* got shape \(50,\)"),
        (lambda: dataset_of_pair(ROWS.astype(object), KINDS), "X: expected numbers, got type object"),
        (lambda: dataset_of_pair(np.where(ROWS[3, 1] == ROWS, np.nan, ROWS), KINDS), "X, row 3, column 1 .* got nan"),
        (lambda: dataset_of_pair(ROWS, np.where(np.arange(50) == 3, np.nan, 0.5)), "data, target, row 3 .* got nan"),
        (lambda: dataset_of_pair(ROWS, np.eye(50)), r"y: .* a single 1 in each row; .*argmax"),
        (lambda: dataset_of_pair(ROWS, np.ones((50, 2, 2))), r"y: expected numbers, \(examples,\) or .* \(50, 2, 2\)"),
        (lambda: dataset_of_pair(ROWS, PRICES.astype(int)), r"y: .* got shape \(50, 2\) of integers; give floats for"),
        (
            lambda: dataset_of_pair(ROWS, np.array(["a", 1] * 25, dtype=object)),
            "y: expected text throughout, .* got 1 in",
        ),
        (lambda: dataset_of_pair(ROWS, np.arange(50) - 1), "y, label 0: expected an integer >= 0, got -1"),
        (lambda: dataset_of_pair(ROWS, np.zeros(50, int)), "data: expected two classes or more, got only '0'"),
        (lambda: dataset_of_pair(ROWS[:0], KINDS[:0]), "data: expected at least one example, got an empty data set"),
        (
            lambda: dataset_of_pair(np.tile(ROWS, (2, 1)), np.arange(100)),
            "y: .* got 100 different ones in 100 examples; give floats for numbers to predict, text for classes",
        ),
    ],
)
def test_what_cannot_be_learned_from(make, message):
    with pytest.raises(DataError, match=message):
        make()


def test_pandas_is_known_by_its_name_alone(monkeypatch):
    class Frame(pd.DataFrame):
        pass

    assert is_pandas(FRAME, "DataFrame")
    assert is_pandas(Frame({"a": [1]}), "DataFrame")
    assert is_pandas(FRAME["w"], "Series")
    assert not is_pandas(FRAME, "Series")
    assert not is_pandas(ROWS, "DataFrame")
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert dataset_of_pair(ROWS, KINDS).schema.classes == ("cat", "dog")


def test_arrays_of_different_lengths_are_series():
    arrays = [np.full((1 + k % 3, 2), float(k)) for k in range(20)]
    data = dataset_of_pair(arrays, [str(k) for k in range(20)])
    assert data.schema.input.shape == (None, 2)
    batch = next(in_order(data.train, 16))
    for row, length, label in zip(batch.x, batch.inputs[1], batch.labels, strict=True):
        k = int(data.schema.target.categories[label])
        assert length == len(arrays[k])
        seen = unscaled(row[:length][None], data.schema.input)[0]
        torch.testing.assert_close(seen, torch.from_numpy(arrays[k]).float(), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("arrays", "y", "words"),
    [
        ([np.ones((2, 3)), np.ones((3, 4))], [0, 1], "example 1"),
        ([np.ones((2, 3)), np.ones((0, 3))], [0, 1], "at least one row"),
        ([np.ones(2), np.ones(3)], [0, 1], "a series"),
        ([np.ones((2, 3)), np.ones((3, 3))], [0], "2 targets"),
        ([np.ones((2, 3)), np.full((3, 3), np.nan)], [0, 1], "finite"),
    ],
)
def test_refuses_series_that_do_not_fit(arrays, y, words):
    with pytest.raises(DataError, match=words):
        dataset_of_pair(arrays, y)
