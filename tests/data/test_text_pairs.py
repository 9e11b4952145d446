from pathlib import Path

import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.catalog import load
from neurarium.data.pronunciations import load as pronunciations
from neurarium.data.text_pairs import from_pairs


def test_words_and_characters_between_start_and_end(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{n} cats\t{'x' * n}y\n" for n in range(1, 21)), encoding="utf-8")
    data = load(str(path))
    source, target = data.schema.input, data.schema.target
    assert source.categories == tuple(sorted({"cats", *map(str, range(1, 21))}))
    assert target.categories == ("<start>", "<end>", "x", "y")
    assert (source.constants["joiner"], target.constants["joiner"]) == (" ", "")
    batch = data.train.gather(torch.arange(3))
    for tokens, wanted in zip(batch.x, batch.labels, strict=True):
        n = int(source.categories[tokens[0]])
        assert source.categories[tokens[1]] == "cats"
        assert wanted[: n + 3].tolist() == [0, *[2] * n, 3, 1]
    assert (len(data.train), len(data.validation), len(data.test)) == (16, 2, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\nno tab\n", "line 2: expected a source, a tab and a target, got 0 tabs in 'no tab'"),
        ("a\tb\tc\n", "line 1: expected a source, a tab and a target, got 2 tabs"),
        ("a\t \n", "line 1: expected a source, a tab and a target"),
        ("\n\n", "expected at least one pair of texts, got none"),
    ],
)
def test_refuses_lines_that_are_no_pairs(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as error:
        load(str(path))
    assert message in str(error.value)


def test_pronunciations_are_there() -> None:
    data = pronunciations()
    assert (len(data.train), len(data.validation), len(data.test)) == (19_200, 2_400, 2_400)
    assert data.schema.input.categories == tuple("abcdefghijklmnopqrstuvwxyz")
    assert len(data.schema.target.categories) == 2 + 39


def test_one_pair_is_a_pair() -> None:
    data = from_pairs([("a b", "c")] * 10, "one", provenance="")
    assert data.schema.input.categories == ("a", "b")
