from pathlib import Path

import pytest

from neurarium.checks import DataError
from neurarium.data.csv_layout import layout_of

PATH = Path("t.csv")


@pytest.mark.parametrize(
    ("first", "columns", "targets", "outputs", "said"),
    [
        (["1", "2", "3"], (0, 1), (2,), ("target",), None),
        (["a", "b", "c"], (0, 1), (2,), ("c",), None),
        (["a", "Label", "c"], (0, 2), (1,), ("Label",), None),
        (["y", "target", "z"], (0, 2), (1,), ("target",), None),
        (["label", "b", "c:number"], (0, 1), (2,), ("c",), "number"),
        (["a : NUMBER", "b", "c:number"], (1,), (0, 2), ("a", "c"), "number"),
        (["", "a:class", "b"], (2,), (1,), ("a",), "class"),
        (["0", "1", "price:number"], (0, 1), (2,), ("price",), "number"),
        (["a", ":number"], (0,), (1,), ("target",), "number"),
        (["a", "time:of day"], (0,), (1,), ("time:of day",), None),
    ],
)
def test_what_the_columns_are(first, columns, targets, outputs, said):
    layout = layout_of(first, PATH)
    assert (layout.columns, layout.targets, layout.outputs, layout.said) == (columns, targets, outputs, said)
    assert layout.header == (first[0] != "1")
    assert layout.width == len(first)


@pytest.mark.parametrize(
    ("first", "known", "columns"),
    [
        (["a", "b"], (), (0, 1)),
        (["a", "b", "c"], (), (0, 1)),
        (["species", "b", "c"], (), (1, 2)),
        (["a:number", "b", "c"], (), (1, 2)),
        (["a", "b:number", "c", "d:number"], (), (0, 2)),
        (["a", "b", "c"], ("b",), (0, 2)),
        (["a", "b", "c", "d"], ("d", "a"), (1, 2)),
        (["a", "b"], ("price",), (0, 1)),
        (["7", "8"], ("target",), (0, 1)),
    ],
)
def test_two_features_to_predict_from(first, known, columns):
    assert layout_of(first, PATH, 2, known).columns == columns


@pytest.mark.parametrize(
    ("first", "features", "message"),
    [
        (["a"], None, r"t\.csv: expected feature columns and a label column, got 1 columns; separate"),
        (["a:number", "b:number"], None, "expected feature columns and a label column, got 2 columns"),
        (["a", "b", "c", "d"], 2, "expected 2 feature columns, got 4 columns; give the columns that"),
        (["a", "b:number"], 2, "expected 2 feature columns, got 2 columns"),
    ],
)
def test_too_many_or_too_few(first, features, message):
    with pytest.raises(DataError, match=message):
        layout_of(first, PATH, features)
