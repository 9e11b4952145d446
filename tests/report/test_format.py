import math

import pytest

from neurarium.report.format import clock, duration, number, percent, percent_digits, shape


@pytest.mark.parametrize(
    ("fraction", "digits", "written"),
    [(0.5, 0, "50 %"), (0.12345, 2, "12.35 %"), (1.0, 1, "100.0 %"), (None, 2, "-"), (math.nan, 2, "-")],
)
def test_percent(fraction, digits, written):
    assert percent(fraction, digits) == written


def test_one_answer_more_or_less_shows_in_the_digits():
    for examples in (40, 500, 10_000):
        digits = percent_digits(examples)
        assert percent(0.5, digits) != percent(0.5 + 2 / examples, digits)


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0.000"), (2.3026, "2.303"), (12.0, "12.00"), (1234.4, "1234"), (12345.0, "1.234e+04"), (2e-4, "2.000e-04")],
)
def test_number(value, written):
    assert number(value) == written


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "under 0.1 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599.0, "59 min 59 s"),
        (7260.0, "2 h 01 min"),
    ],
)
def test_duration(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(("seconds", "face"), [(0.2, "0:00"), (61.0, "1:01"), (600.0, "10:00"), (3600.0, "1:00:00")])
def test_clock(seconds, face):
    assert clock(seconds) == face


def test_shape():
    assert shape([16, 5, 5]) == "16 x 5 x 5"
