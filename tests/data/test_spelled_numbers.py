import torch

from neurarium.data import spelled_numbers
from neurarium.data.numerals import WORDS
from neurarium.tasks.translation import END, START

from .test_numerals import value


def test_targets_say_what_sources_say_and_no_test_number_was_seen() -> None:
    data = spelled_numbers.load()
    vocabulary, seen = data.schema.target.categories, dict[str, set[int]]()
    for name, part in data.parts().items():
        batch = part.gather(torch.arange(len(part)))
        source, lengths = batch.inputs
        for words, length, target in zip(source.tolist(), lengths.tolist(), batch.labels.tolist(), strict=True):
            tokens = [vocabulary[k] for k in target if k >= 0]
            assert (tokens[0], tokens[-1]) == (START, END)
            number = value([WORDS[k] for k in words[:length]])
            assert "".join(tokens[1:-1]) == str(number)
            seen.setdefault(name, set()).add(number)
    assert {name: len(numbers) for name, numbers in seen.items()} == data.counts()
    assert set.union(*seen.values()) == set(range(10_000))
    assert data.counts() == {"train": 8000, "validation": 1000, "test": 1000}


def test_digits_are_written_without_spaces() -> None:
    assert spelled_numbers.load().schema.target.constants == {"joiner": ""}
