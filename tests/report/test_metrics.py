import math
from typing import Any

import pytest

from neurarium.report.metrics import (
    interval_text,
    measured_on,
    metrics_headline,
    metrics_section,
    tell_metrics,
    value_text,
)
from neurarium.tasks.scores import Metric, Scores

PSNR = Metric("PSNR", 18.25, "ratio of reconstructions", "dB", baseline=16.5, against="the first 3 components")
SHARE = Metric("variance explained", 0.875, "fraction that comes back", "%")
RMSE = Metric(
    "RMSE of <b>", 53.2, "root of the mean squared error", higher_is_better=False, baseline=70.0, against="x & y"
)
EXACT = Metric("exact answers", 0.9684, "fraction without a wrong token", "%", interval=(0.9491, 0.9804))


def scores(*metrics: Metric, examples: int = 1500, data: str = "toy", split: str = "test") -> dict[str, Any]:
    """As `scores.json` holds them."""
    return Scores("reconstruction", split, data, examples, None, metrics).to_plain()


def section(found: dict[str, Any], on: str = "") -> str:
    """Its HTML."""
    made = metrics_section(found, on)
    assert made is not None
    return made.body


def plain(metric: Metric) -> dict[str, Any]:
    (found,) = scores(metric)["metrics"]
    return found


def test_values_have_their_units() -> None:
    assert value_text(plain(PSNR)) == "18.25 dB"
    assert value_text(plain(PSNR), 16.5) == "16.50 dB"
    assert value_text(plain(SHARE)) == "87.5 %"
    assert value_text(plain(SHARE), 0.0) == "0.0 %"
    assert value_text(plain(SHARE), 0.123, 2) == "12.30 %"
    assert value_text(plain(RMSE)) == "53.20"
    assert value_text(plain(PSNR), math.nan) == "- dB"


@pytest.mark.parametrize(
    ("examples", "interval"), [(100, "95 % to 98 %"), (500, "94.9 % to 98.0 %"), (10_000, "94.91 % to 98.04 %")]
)
def test_an_interval_has_as_many_digits_as_the_examples_bear(examples: int, interval: str) -> None:
    assert interval_text(plain(EXACT), scores(EXACT, examples=examples)) == interval
    assert interval_text(plain(SHARE), scores(SHARE, examples=examples)) == ""
    told = tell_metrics(scores(EXACT, examples=examples))
    value = {100: "97 %", 500: "96.8 %", 10_000: "96.84 %"}[examples]
    assert f"exact answers {value} (95 % interval {interval}), fraction" in told


def test_the_first_metric_is_told_with_what_it_compares_to() -> None:
    told = tell_metrics(scores(PSNR, SHARE))
    assert told == (
        "Measured on 1,500 test examples: PSNR 18.25 dB, ratio of reconstructions. The first 3 components: 16.50 dB."
    )
    assert tell_metrics(scores(SHARE)) == (
        "Measured on 1,500 test examples: variance explained 87.5 %, fraction that comes back."
    )
    assert "on 1 test example:" in tell_metrics(scores(SHARE, examples=1))
    assert measured_on(scores(SHARE, split="train")) == "1,500 train examples"


def test_what_was_measured_may_be_said_in_other_words() -> None:
    for page in (tell_metrics(scores(PSNR), "9 atoms"), metrics_headline(scores(PSNR), "9 atoms")):
        assert "on 9 atoms: " in page
        assert "test" not in page
    assert "Measured on 9 atoms of toy." in section(scores(PSNR), "9 atoms")


def test_where_nobody_has_judged() -> None:
    assert (tell_metrics(scores()), metrics_headline(scores()), metrics_section(scores())) == ("", "", None)


def test_headline() -> None:
    page = metrics_headline(scores(PSNR)).replace("\xa0", " ")
    assert '<span class="big">18.25 dB</span>' in page
    assert "PSNR on 1,500 test examples: ratio of reconstructions" in page
    assert "the first 3 components: 16.50 dB</span>" in page
    assert "faint" not in metrics_headline(scores(SHARE))
    assert '<span class="faint">95 % interval 94.91 % to 98.04 %</span>' in metrics_headline(scores(EXACT)).replace(
        "\xa0", " "
    )


def test_all_metrics_stand_in_a_table() -> None:
    page = section(scores(PSNR, SHARE, RMSE, EXACT)).replace("\xa0", " ")
    assert page.count("<tr>") == 5
    assert "Measured on 1,500 test examples of toy." in page
    assert "16.50 dB: the first 3 components" in page
    assert page.count("lower is better") == 1
    assert "root of the mean squared error; lower is better" in page
    assert "fraction without a wrong token; 95 % interval 94.91 % to 98.04 %" in page


def test_names_are_escaped() -> None:
    evil = scores(RMSE, data="<script>alert(1)</script>")
    for page in (section(evil), metrics_headline(evil)):
        assert "<b>" not in page
        assert "<script>" not in page
        assert "RMSE of &lt;b&gt;" in page
        assert "x &amp; y" in page
    assert "&lt;script&gt;" in section(evil)
