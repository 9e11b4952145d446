import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data import csv_table
from neurarium.data.csv_table import read_table
from neurarium.data.scaling import unscaled


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "rows", "labels"),
    [
        ("5.1,3,setosa\n4,2.5,virginica\n", [[5.1, 3], [4, 2.5]], ["setosa", "virginica"]),
        ("a,b,c\n1,2,x\n", [[1, 2]], ["x"]),
        ("Label,b,c\n x ,2,-3e1\n", [[2, -30]], ["x"]),
        ("y,target,z\n1,2,3\n", [[1, 3]], ["2"]),
        ("0,1,2,target\n7,8,9,1\n", [[7, 8, 9]], ["1"]),
        (",sepal,species\n0,5,a\n1,6,b\n", [[5], [6]], ["a", "b"]),
        ("1,2,y\n3,4,n\n", [[1, 2], [3, 4]], ["y", "n"]),
        ('\ufeffa,"b, c",class\r\n1,"2",x\r\n\r\n', [[1, 2]], ["x"]),
        ("label,0,1\n3,10,11\n", [[10, 11]], ["3"]),
    ],
)
def test_tables(tmp_path, text, rows, labels):
    table = read_table(write(tmp_path, text))
    assert (table.features.tolist(), table.labels, table.said) == (rows, (labels,), None)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("x,y\n1,2\n", [[1, 2]]),
        ("x,y,label\n1,2,cat\n", [[1, 2]]),
        ("class,x,y\n9,1,2\n", [[1, 2]]),
        (",x,y\n0,1,2\n", [[1, 2]]),
        ("1,2,cat\n", [[1, 2]]),
    ],
)
def test_tables_to_predict_from(tmp_path, text, rows):
    assert read_table(write(tmp_path, text), features=2).features.tolist() == rows


def test_load(tmp_path):
    body = "".join(f"{k},{k * k},{'even' if k % 2 == 0 else 'odd'}\n" for k in range(20))
    data = csv_table.load(write(tmp_path, "n,square,class\n" + body), "toy")
    features, label = data.schema.input, data.schema.target
    assert (features.shape, features.names, label.categories, label.names) == (
        *((2,), ("n", "square")),
        *(("even", "odd"), ("class",)),
    )
    assert data.counts() == {"train": 16, "validation": 2, "test": 2}
    for row, target in zip(data.train.inputs[0].tolist(), data.train.target("label").tolist(), strict=True):
        assert row[1] == row[0] ** 2
        assert row[0] % 2 == target


def test_numeric_labels_are_ordered_by_size(tmp_path):
    data = csv_table.load(write(tmp_path, "".join(f"{k},{10 - k % 2}\n" for k in range(10))), "toy")
    assert data.schema.classes == ("9", "10")
    assert data.schema.input.names == data.schema.target.names == ()


NUMBERS = np.random.default_rng(0).normal(200, 30, (60, 2)).round(2)


def table(header, *columns):
    return header + "".join(",".join(map(str, row)) + "\n" for row in zip(*columns, strict=True))


def in_units(data, part):
    return unscaled(part.target(next(iter(data.schema.targets))), data.schema.target)


@pytest.mark.parametrize(
    ("header", "output", "name"),
    [
        ("", "target", "target"),
        ("x,Target\n", "Target", "Target"),
        ("x,price\n", "price", "price"),
        ("x,Price: Number\n", "Price", "Price"),
        ("x,price in $\n", "price in $", "target"),
        ("x,features\n", "features", "target"),
    ],
)
def test_fractions_are_numbers(tmp_path, header, output, name):
    data = csv_table.load(write(tmp_path, table(header, range(60), NUMBERS[:, 0].tolist())), "toy")
    assert (data.schema.classes, data.schema.outputs, list(data.schema.targets)) == ((output,), 1, [name])
    assert (data.schema.input.shape, data.schema.target.categories) == ((1,), ())
    assert data.counts() == {"train": 48, "validation": 6, "test": 6}
    kept = data.train.inputs[0][:, 0].long().numpy()
    expected = (NUMBERS[kept, 0] - NUMBERS[kept, 0].mean()) / NUMBERS[kept, 0].std()
    np.testing.assert_allclose(data.train.targets[0][:, 0], expected, rtol=1e-5, atol=1e-7)
    held_out = data.test.inputs[0][:, 0].long().numpy()
    np.testing.assert_allclose(in_units(data, data.test)[:, 0], NUMBERS[held_out, 0], rtol=1e-6)


def test_several_columns_of_numbers(tmp_path):
    text = table("a:number,x,b:NUMBER\n", NUMBERS[:, 0].tolist(), range(60), range(60))
    data = csv_table.load(write(tmp_path, text), "toy")
    assert (data.schema.classes, data.schema.input.names, list(data.schema.targets)) == (("a", "b"), ("x",), ["target"])
    kept = data.test.inputs[0][:, 0].long().numpy()
    np.testing.assert_allclose(in_units(data, data.test), np.stack([NUMBERS[kept, 0], kept], 1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("form", ["{}", "{}.0", "{}e0"])
def test_whole_numbers_are_classes_unless_they_may_be_either(tmp_path, form):
    few = csv_table.load(write(tmp_path, table("x,age\n", range(60), [form.format(k % 30) for k in range(60)])), "toy")
    assert few.schema.target.categories == tuple(map(str, range(30)))
    ages = [form.format(k) for k in range(60)]
    message = r"label column: expected classes, or numbers .* got 60 different ones .* 'age:number' or 'age:class'"
    with pytest.raises(DataError, match=message):
        csv_table.load(write(tmp_path, table("x,age\n", range(60), ages)), "toy")
    classes = csv_table.load(write(tmp_path, table("x,age:class\n", range(60), ages)), "toy")
    assert len(classes.schema.target.categories) == 60
    numbers = csv_table.load(write(tmp_path, table("x,age:number\n", range(60), ages)), "toy")
    assert torch.allclose(in_units(numbers, numbers.test).double(), numbers.test.inputs[0])


def test_fractions_may_be_said_to_be_names(tmp_path):
    versions = ["1.5", "1.10", "beta"] * 10
    data = csv_table.load(write(tmp_path, table("x,v:class\n", range(30), versions)), "toy")
    assert data.schema.classes == ("1.10", "1.5", "beta")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t\.csv: expected at least one row, got an empty file"),
        ("a,b,label\n", "got an empty data set"),
        ("1,2,a\n1,2\n", r"t\.csv, line 2: expected 3 cells as in the first row, got 2"),
        ("1,2,a\n\n1,2,b,c\n", r"t\.csv, line 3: expected 3 cells .*, got 4"),
        ("w,h,label\n1,2,a\n1,tall,b\n", r"t\.csv, line 3, column 'h': expected a finite number, got 'tall'"),
        ("1,2,a\n,2,b\n", r"t\.csv, line 2, column 1: expected a finite number, got ''"),
        ("w,h,label\n1,2,a\n1,nan,b\n", r"t\.csv, line 3, column 'h': expected a finite number, got nan"),
        ("1,2,a\n\n\n-inf,2,b\n", r"t\.csv, line 4, column 1: expected a finite number, got -inf"),
        ("1,2,0.5\n3,4,NA\n", "label column, label 1: expected a number as in other rows, got 'NA'; fill in"),
        ("1,2,0.5\n3,4,\n", "label column, label 1: expected a number as in other rows, got ''"),
        ("a,y:number\n3,x\n", "label column, label 0: expected a number as in other rows, got 'x'"),
        ("1,2,0.5\n3,4,nan\n", r"t\.csv, target, row 1 .*: expected a finite number to predict, got nan"),
        ("1,2,0.5\n3,4,0.5\n", r"t\.csv, target: expected numbers to predict that differ .*, got 0\.5 for all"),
        ("a,price:number\n", r"t\.csv: expected at least one example, got an empty data set"),
        ("a,b:class,c:class\n1,2,3\n", r"t\.csv: expected columns marked ':number', or .*, got 'b:class', 'c:class'"),
        ("a,b:class,c:number\n1,2,3\n", r"t\.csv: .* got 'b:class', 'c:number'; keep one of these"),
        ("1,2,1\n3,4,-1\n", "label column, label 1: expected an integer >= 0, got -1"),
        ("1,2,a\n3,4,\n", "label column, label 1: expected a name, got nothing"),
        ("1,2,a\n3,4,a\n", "expected two classes or more, got only 'a'"),
        ("1;2;a\n3;4;b\n", "expected feature columns and a label column, got 1 columns; separate columns by commas"),
        (f"1,2,{'a' * 200000}\n", "after line 1: expected CSV in UTF-8, got field larger than field limit"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        csv_table.load(write(tmp_path, text), "toy")


def test_other_encodings_missing_files_and_columns(tmp_path):
    with pytest.raises(DataError, match=r"t\.csv, after line 0: expected CSV in UTF-8, got .*utf-8"):
        read_table(write(tmp_path, "größe,label\n1,a\n", encoding="latin-1"))
    with pytest.raises(DataError, match=r"none\.csv: expected a \.csv file, got no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"t\.csv: expected 4 feature columns, got 2 columns"):
        read_table(write(tmp_path, "1,2\n"), features=4)
