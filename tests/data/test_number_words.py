import torch

from neurarium.data import number_words
from neurarium.data.numerals import WORDS, in_words
from neurarium.data.ragged import Ragged

from .test_numerals import value


def numbers_in(examples: Ragged) -> list[int]:
    rows = examples.columns["tokens"].split(examples.lengths["tokens"].tolist())
    return [value([WORDS[k] for k in row.tolist()]) for row in rows]


def test_classes_count_the_digits_of_what_is_said() -> None:
    data = number_words.load()
    assert data.schema.classes == tuple("123456")
    seen: list[int] = []
    for part in data.parts().values():
        assert isinstance(part, Ragged)
        numbers = numbers_in(part)
        assert [len(str(number)) - 1 for number in numbers] == part.target("label").tolist()
        seen += numbers
    assert len(set(seen)) == len(seen) == 4000
    assert torch.bincount(torch.tensor([len(str(n)) for n in seen])).tolist()[1:] == [10, 90, 900, 1000, 1000, 1000]


def test_same_numbers_every_time() -> None:
    assert number_words.load().fingerprint() == number_words.load().fingerprint()
    assert number_words.chosen()[:12] == list(range(12))


def test_order_counts() -> None:
    assert sorted(in_words(741_000)) == sorted(in_words(40_701))
