import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data import catalog, long_csv
from neurarium.data.predict_inputs import read_inputs
from neurarium.data.scaling import unscaled
from neurarium.record.schema import Field, Schema


def written(folder: Path, text: str, name: str = "series.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(count: int = 40, *, label: str = "kind", of: str = "{k}", seed: int = 0) -> list[str]:
    """Series of 2 to 5 steps, each step (10 k + t, -t); rows shuffled."""
    found = [
        f"s{k},{t},{10 * k + t},{-t},{of.format(k='ab'[k % 2], t=t, n=k / 4)}"
        for k in range(count)
        for t in range(2 + k % 4)
    ]
    order = np.random.RandomState(seed).permutation(len(found))
    return [f"series,time,up,down,{label}", *(found[k] for k in order)]


def test_series_are_put_together_in_order_of_time(tmp_path: Path) -> None:
    found = long_csv.read_long(written(tmp_path, "\n".join(rows())))
    assert sorted(found.ids) == sorted(f"s{k}" for k in range(40))
    start = 0
    for one, length in zip(found.ids, found.lengths, strict=True):
        k = int(one[1:])
        steps = found.cells.features[start : start + length]
        assert steps.tolist() == [[10 * k + t, -t] for t in range(2 + k % 4)]
        assert found.cells.labels[0][start : start + length] == ["ab"[k % 2]] * length
        start += length
    assert found.cells.names == ("up", "down")
    assert found.cells.outputs == ("kind",)


def test_a_class_a_series(tmp_path: Path) -> None:
    path = written(tmp_path, "\n".join(rows()))
    data = catalog.load(str(path))
    assert data.schema.input.shape == (None, 2)
    assert data.schema.target == Field((), categories=("a", "b"), names=("kind",))
    assert data.counts() == {"train": 32, "validation": 4, "test": 4}
    for part in data.parts().values():
        steps = torch.cat(list(part.pieces("series")))
        firsts = steps[torch.tensor([0, *part.sizes().cumsum(0)[:-1].tolist()]), 0]
        assert part.target("label").tolist() == [int(first) // 10 % 2 for first in firsts]
    assert "series put in order of time" in data.provenance


def test_a_number_a_series(tmp_path: Path) -> None:
    path = written(tmp_path, "\n".join(rows(label="price:number", of="{n}")))
    data = long_csv.load(path, "own")
    prices = unscaled(data.train.target("price"), data.schema.target)
    assert data.schema.target.shape == (1,)
    steps = torch.cat(list(data.train.pieces("series")))
    firsts = steps[torch.tensor([0, *data.train.sizes().cumsum(0)[:-1].tolist()]), 0]
    torch.testing.assert_close(prices[:, 0], (firsts // 10 / 4).float())


def test_a_class_for_each_step(tmp_path: Path) -> None:
    path = written(tmp_path, "\n".join(rows(of="at {t}")))
    data = long_csv.load(path, "own")
    classes = tuple(f"at {k}" for k in range(5))
    assert data.schema.target == Field((None,), categories=classes, names=("kind",), axis="time")
    steps = torch.cat(list(data.test.pieces("series")))
    assert data.test.target("label").tolist() == (-steps[:, 1]).int().tolist()


def test_ordered_rows_say_nothing_and_dates_order(tmp_path: Path) -> None:
    lines = ["id,time,x,y"]
    lines += [f"{k},2026-0{1 + t}-{10 + k % 18}T0{t}:00,{t},{'ab'[k % 2]}" for k in range(20) for t in range(3)]
    assert long_csv.load(written(tmp_path, "\n".join(lines)), "own").provenance.count("order of time") == 0
    found = long_csv.read_long(written(tmp_path, "\n".join([lines[0], *lines[:0:-1]])))
    assert found.moved == 20
    assert found.cells.features[:, 0].tolist() == [0, 1, 2] * 20


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("series,time,x,y\na,1,2,u\nb,1,2,v\na,1.0,3,u", r"line 4: expected each time once in series 'a'.*line 2"),
        ("series,time,x,y\na,1,2,u\na,,2,u", r"line 3: expected a time, got nothing"),
        ("series,time,x,y\na,1,2,u\n,2,2,u", r"line 3: expected a series, got nothing"),
        ("series,time,x,y\na,1,2,u\na,2,,u", r"line 3, column 'x': expected a finite number"),
        ("series,time,x,y\na,1,2,u\na,2026-01-01,2,u", r"line 3, column time: expected a number"),
        ("series,time,x,y\na,2026-01-01,2,u\na,nan,2,u", r"line 3, column time: expected a date"),
        ("series,time,x,y\na,inf,2,u", r"line 2, column time: expected a number"),
        ("series,time,x,y\na,1,2", r"line 3?2?: expected 4 cells"),
        ("series,time,x,y\na,1,2,0.5\na,2,2,0.7\nb,1,1,1.5", r"numbers that change within a series"),
        ("series,time,1,2\na,1,2,3", r"names that are no numbers"),
    ],
)
def test_what_cannot_be_ordered_is_refused(text: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=match):
        catalog.load(str(written(tmp_path, text)))


def test_predict_reads_the_same_form_with_or_without_labels(tmp_path: Path) -> None:
    schema = catalog.load(str(written(tmp_path, "\n".join(rows())))).schema
    bare = written(tmp_path, "time,down,id,up\n1,-1,x,7\n0,-0.5,x,6\n3,-3,y,9", "new.csv")
    names, examples, _ = read_inputs([bare, tmp_path / "series.csv"], schema)
    assert names[:2] == [f"{bare}[x]", f"{bare}[y]"]
    assert len(names) == len(examples) == 42
    batch = dataclasses.replace(examples, schema=Schema({"series": Field((None, 2), axis="time")}))  # type: ignore[type-var]
    series, lengths = batch.gather(torch.tensor([0, 1])).inputs
    assert series.tolist() == [[[6, -0.5], [7, -1]], [[9, -3], [0, 0]]]
    assert lengths.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("new.csv", "up,down\n1,2", "header with the columns series"),
        ("new.txt", "a", r"a file named \*.txt"),
        ("new.csv", "series,time,up\na,1,2", "down"),
        ("new.csv", "series,time,up,down\n", "at least one series"),
    ],
)
def test_other_files_are_refused(name: str, text: str, match: str, tmp_path: Path) -> None:
    schema = Schema({"series": Field((None, 2), names=("up", "down"), axis="time")})
    with pytest.raises(DataError, match=match):
        read_inputs([written(tmp_path, text, name)], schema)
