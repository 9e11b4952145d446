"""Integers in English words, British style: a language so small that right and wrong are certain.

704,012    seven hundred and four thousand and twelve
"""

from neurarium.checks import ConfigError

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
WORDS = (*_SMALL, *_TENS, "hundred", "thousand", "and")
"""All words that numbers below a million take."""


def in_words(number: int) -> list[str]:
    """Spell a number from 0 to 999,999, else raise a `ConfigError`; no hyphens.

    Example:
        >>> " ".join(in_words(704_012)), " ".join(in_words(21_300))
        ('seven hundred and four thousand and twelve', 'twenty one thousand three hundred')
    """
    if not 0 <= number < 1_000_000:
        raise ConfigError("number", expected="an integer from 0 to 999,999", got=str(number))
    thousands, below = divmod(number, 1000)
    if not thousands:
        return _below_thousand(number)
    joint = ["and"] if 0 < below < 100 else []
    return [*_below_thousand(thousands), "thousand", *joint, *(_below_thousand(below) if below else [])]


def _below_thousand(number: int) -> list[str]:
    hundreds, below = divmod(number, 100)
    if hundreds:
        return [_SMALL[hundreds], "hundred", *(["and", *_below_thousand(below)] if below else [])]
    if number < 20:
        return [_SMALL[number]]
    tens, ones = divmod(number, 10)
    return [_TENS[tens - 2], *([_SMALL[ones]] if ones else [])]
