import pytest

from neurarium.checks import DataError
from neurarium.data import csv_table
from neurarium.data.csv_table import read_table


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
    assert (table.features.tolist(), table.labels) == (rows, labels)


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
    assert (data.kind, data.shape, data.classes) == ("vectors", (2,), ("even", "odd"))
    assert data.counts() == {"train": 16, "development": 2, "test": 2}
    for row, target in zip(data.train.inputs.tolist(), data.train.targets.tolist(), strict=True):
        assert row[1] == row[0] ** 2
        assert row[0] % 2 == target


def test_numeric_labels_are_ordered_by_size(tmp_path):
    data = csv_table.load(write(tmp_path, "".join(f"{k},{10 - k % 2}\n" for k in range(10))), "toy")
    assert data.classes == ("9", "10")


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
        ("1,2,0.5\n3,4,1.5\n", "label column: expected labels that are whole numbers or names, got .*float"),
        ("1,2,1\n3,4,-1\n", "label column, label 1: expected a whole number >= 0, got -1"),
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
