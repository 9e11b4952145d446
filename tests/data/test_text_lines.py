import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.ragged import Ragged
from neurarium.data.table import Table
from neurarium.data.text_lines import holds_characters, holds_words, read_lines
from neurarium.record.schema import Field, Schema

ROW = Schema({"text": Field((None,), categories=("<end>", "a", "b", " "), axis="time")})
WINDOW = Schema({"text": Field((3,), categories=("a", "b", " "))})
WORDS = Schema({"text": Field((None,), categories=("forty", "two", "<end>"), axis="time")})


def write(tmp_path, text, name="a.txt", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("field", "characters", "words"),
    [
        (ROW.input, True, False),
        (WINDOW.input, True, False),
        (WORDS.input, False, True),
        (Field((None,), categories=("<", ">", "a"), axis="t"), True, False),
        (Field((None,), categories=("<start>", "<end>"), axis="t"), False, True),
        (Field((None,), categories=("forty two", "b"), axis="t"), False, False),
        (Field((None,), categories=("for", "##ty"), axis="t", encoder="bpe"), False, False),
        (Field((None,), axis="t"), False, False),
        (Field((), categories=("a", "b")), False, False),
        (Field((3, 3), categories=("a", "b")), False, False),
        (Field((3,)), False, False),
    ],
)
def test_what_is_text(field, characters, words):
    assert (holds_characters(field), holds_words(field)) == (characters, words)


def test_lines_of_any_length(tmp_path):
    paths = [write(tmp_path, "ab a\r\n\n  \nb\n"), write(tmp_path, "\ufeffba", "b.TXT")]
    names, rows = read_lines(paths, ROW)
    assert isinstance(rows, Ragged)
    assert names == [f"{tmp_path}/a.txt[0]", f"{tmp_path}/a.txt[1]", f"{tmp_path}/b.TXT[0]"]
    assert rows.columns["text"].tolist() == [1, 2, 3, 1, 2, 2, 1]
    assert rows.lengths["time"].tolist() == [4, 1, 2]


def test_lines_of_words(tmp_path):
    _, rows = read_lines([write(tmp_path, "forty  two\n two\n")], WORDS)
    assert (rows.columns["text"].tolist(), rows.lengths["time"].tolist()) == ([0, 1, 1], [2, 1])
    with pytest.raises(DataError, match=r"a\.txt, line 1 .*: expected the 3 words that were learned, got 'three'"):
        read_lines([write(tmp_path, "two\nforty three\n")], WORDS)


def test_windows_take_the_end_of_longer_lines(tmp_path):
    _, rows = read_lines([write(tmp_path, "aaabb \nbbb\n")], WINDOW)
    assert isinstance(rows, Table)
    assert rows.gather(torch.tensor([0, 1])).x.tolist() == [[1, 1, 2], [1, 1, 1]]
    assert rows.schema == WINDOW


def test_a_window_is_the_end_of_a_line_that_is_long_enough(tmp_path):
    (window,) = WINDOW.input.fixed_shape
    _, rows = read_lines([write(tmp_path, "ab" * window + "\n" + "b" * window + "\n")], WINDOW)
    assert rows.gather(torch.tensor([1])).x.shape == (1, window)
    with pytest.raises(
        DataError, match=rf"a\.txt, line 1 .*: expected at least {window} characters.*, got {window - 1}"
    ):
        read_lines([write(tmp_path, "ab" * window + "\n" + "a" * (window - 1) + "\n")], WINDOW)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "ab\n\nabc\n",
            r"a\.txt, line 1 \(counted from 0, .*: expected the 4 characters that were learned, got 'c'; repl",
        ),
        ("a\tb\n", r"got '\\t'"),
        ("\n \n", r"a\.txt: expected at least one example, got none; write one line an example"),
    ],
)
def test_lines_that_cannot_be_read(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_lines([write(tmp_path, text)], ROW)


def test_other_files(tmp_path):
    for path, message in [
        (write(tmp_path, "größe", encoding="latin-1"), r"a\.txt: expected text in UTF-8, got .*utf-8"),
        (write(tmp_path, "a", "a.csv"), r"a\.csv: expected a \.txt file, one example a line, got a file named \*\.csv"),
        (tmp_path / "b.txt", r"b\.txt: expected a \.txt file, got no such file"),
        (tmp_path / "b", "b: expected a .txt file, one example a line, got no such file"),
    ]:
        with pytest.raises(DataError, match=message):
            read_lines([path], ROW)
