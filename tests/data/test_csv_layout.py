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
    ("first", "names"),
    [
        (["a", "b", "species"], ("a", "b")),
        ([" a ", "b:number", "c"], ("a", "c")),
        (["", "b", "c"], ("b",)),
        (["1", "2", "3"], ()),
        (["0", "1", "label"], ()),
    ],
)
def test_names_of_features(first, names):
    assert layout_of(first, PATH).features == names


@pytest.mark.parametrize(
    ("first", "columns"),
    [
        (["w", "h"], (0, 1)),
        (["h", "w"], (1, 0)),
        (["label", "h", "w"], (2, 1)),
        (["h", "price", "w"], (2, 0)),
        (["h:number", "w", "other:class", "h"], (1, 3)),
        (["", "h", "w", "y"], (2, 1)),
        (["7", "8"], (0, 1)),
        (["7", "8", "9"], (0, 1)),
    ],
)
def test_features_are_found_by_the_names_that_were_learned(first, columns):
    if first[0] == "h:number":
        with pytest.raises(DataError, match="columns marked"):
            layout_of(first, PATH, 2, ("price",), ("w", "h"))
        first = ["h:number", "w", "other", "h"]
        layout = layout_of(first, PATH, 2, ("price",), ("w", "h"))
        assert (layout.columns, layout.targets) == ((1, 3), (0,))
        assert "column is 'other'" in layout.notices[0]
        first = ["h:number", "w", "other:number", "h"]
    assert layout_of(first, PATH, 2, ("price",), ("w", "h")).columns == columns


def test_names_that_occur_twice_are_refused():
    for features, learned in ((None, ()), (2, ("a", "b"))):
        with pytest.raises(DataError, match=r"t\.csv, line 1: expected columns whose names differ, got 'a' twice"):
            layout_of(["a", "b", "a"], PATH, features, (), learned)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (["w", "b"], r"t\.csv: expected a column 'h', got columns w, b; name the columns as in"),
        (["w", "hight"], r"t\.csv: expected a column 'height', got columns w, hight; did you mean hight"),
        (["0", "1", "y:number"], "expected a column 'w', got columns 0, 1"),
    ],
)
def test_columns_that_are_missing_are_named(first, message):
    learned = ("w", "height" if "height" in message else "h")
    with pytest.raises(DataError, match=message):
        layout_of(first, PATH, 2, ("price",), learned)


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
