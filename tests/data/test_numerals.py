import pytest

from neurarium.checks import ConfigError
from neurarium.data.numerals import WORDS, in_words

SMALL = dict(zip(WORDS[:20], range(20), strict=True))
TENS = dict(zip(WORDS[20:28], range(20, 100, 10), strict=True))


def value(words: list[str]) -> int:
    """Read the words as a listener does, who counts up to a thousand and starts again."""
    total = group = 0
    for word in words:
        if word == "thousand":
            total, group = 1000 * group, 0
        elif word == "hundred":
            group *= 100
        elif word != "and":
            group += SMALL.get(word, 0) + TENS.get(word, 0)
    return total + group


def test_every_number_is_heard_as_itself() -> None:
    for number in (*range(20_000), *range(20_000, 1_000_000, 97)):
        assert value(in_words(number)) == number


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "zero"),
        (12, "twelve"),
        (40, "forty"),
        (100, "one hundred"),
        (101, "one hundred and one"),
        (342, "three hundred and forty two"),
        (1000, "one thousand"),
        (1001, "one thousand and one"),
        (1100, "one thousand one hundred"),
        (999_999, "nine hundred and ninety nine thousand nine hundred and ninety nine"),
        (704_012, "seven hundred and four thousand and twelve"),
        (400_007, "four hundred thousand and seven"),
    ],
)
def test_as_the_british_say_it(number: int, said: str) -> None:
    assert " ".join(in_words(number)) == said


def test_and_stands_between_what_is_left_below_a_hundred() -> None:
    for number in range(1, 1_000_000, 541):
        expected = sum(part >= 100 and part % 100 > 0 for part in divmod(number, 1000))
        expected += number >= 1000 and 0 < number % 1000 < 100
        assert in_words(number).count("and") == expected


def test_others_are_refused() -> None:
    for number in (-1, 1_000_000):
        with pytest.raises(ConfigError, match="an integer from 0 to 999,999"):
            in_words(number)
