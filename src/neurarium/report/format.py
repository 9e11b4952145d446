"""Numbers as people read them: fractions, durations, counts, shapes. ASCII only: every terminal can show them."""

import math
from collections.abc import Sequence


def percent(fraction: float | None, digits: int = 2) -> str:
    """Write a fraction in percent; "-" where there is none.

    Example:
        >>> percent(0.0312), percent(1.0, 1), percent(None)
        ('3.12 %', '100.0 %', '-')
    """
    return "-" if fraction is None or math.isnan(fraction) else f"{100 * fraction:.{digits}f} %"


def confidence_text(probability: float) -> str:
    """Write a probability as an integer percentage that does not claim certainty where there is none.

    Example:
        >>> confidence_text(0.987), confidence_text(0.9999), confidence_text(1.0)
        ('99 %', '99 %', '100 %')
    """
    return f"{min(99, round(100 * probability))} %" if probability < 1 else "100 %"


def percent_digits(examples: int) -> int:
    """Decimals of a percentage that so many examples can bear: one answer more or less moves the last one.

    Example:
        >>> percent_digits(500), percent_digits(10_000)
        (1, 2)
    """
    return 0 if examples <= 100 else 1 if examples <= 1000 else 2


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with so many significant digits; "-" where there is none.

    Example:
        >>> number(0.045123), number(3e-5), number(123456.0), number(None)
        ('0.04512', '3.000e-05', '1.235e+05', '-')
    """
    if value is None or math.isnan(value):
        return "-"
    if value != 0 and not 1e-3 <= abs(value) < 10**digits:
        return f"{value:.{digits - 1}e}"
    return f"{value:#.{digits}g}".rstrip(".")


def duration(seconds: float) -> str:
    """Write a length of time in words.

    Example:
        >>> duration(0.02), duration(0.84), duration(14.4), duration(125.0), duration(3720.0)
        ('under 0.1 s', '0.8 s', '14 s', '2 min 05 s', '1 h 02 min')
    """
    if seconds < 0.05:
        return "under 0.1 s"
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def clock(seconds: float) -> str:
    """Write a length of time as a clock does.

    Example:
        >>> clock(12.6), clock(3725.0)
        ('0:13', '1:02:05')
    """
    whole = round(seconds)
    minutes = f"{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 3600}:{minutes}" if whole >= 3600 else minutes.removeprefix("0")


def shape(sizes: Sequence[int]) -> str:
    """Write a shape.

    Example:
        >>> shape((6, 28, 28)), shape((10,))
        ('6 x 28 x 28', '10')
    """
    return " x ".join(map(str, sizes))


def many(count: int, noun: str) -> str:
    """Write a count with its noun, which takes an s where there is not one.

    Example:
        >>> many(1, "epoch"), many(2000, "epoch")
        ('1 epoch', '2,000 epochs')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
