import dataclasses
import math
from typing import Any, get_args

import pytest

from neurarium.report.measures import (
    WORDS,
    measures_headline,
    measures_section,
    task_of_scores,
    tell_measures,
    value_text,
)
from neurarium.training.scores.measure import Measure, Measured, Task

PSNR = Measure("PSNR", 18.25, "ratio of reconstructions", "dB", baseline=16.5, against="the first 3 components")
SHARE = Measure("variance explained", 0.875, "share that comes back", "%")
RMSE = Measure(
    "RMSE of <b>", 53.2, "root of the mean squared error", higher_is_better=False, baseline=70.0, against="x & y"
)


def scores(
    *measures: Measure, task: Task = "reconstruction", examples: int = 1500, data: str = "toy"
) -> dict[str, Any]:
    """As `scores.json` holds them."""
    return {"split": "test", "data": data, **Measured(task, None, examples, measures).to_plain()}


def test_words_for_every_task() -> None:
    assert set(WORDS) == set(get_args(Task))
    for words in WORDS.values():
        told = words.learnt.format(classes=3, kind="pictures", names="price")
        assert "{" not in told
        assert words.axis.endswith("in %")
        assert words.error[0].isupper()
        assert not words.error.endswith(".")


def test_older_scores_are_of_classifiers() -> None:
    assert task_of_scores({"accuracy": 0.5}) == "classification"
    assert task_of_scores(scores(PSNR)) == "reconstruction"


def test_values_have_their_units() -> None:
    plain = {measure.name: dataclasses.asdict(measure) for measure in (PSNR, SHARE, RMSE)}
    assert value_text(plain["PSNR"]) == "18.25 dB"
    assert value_text(plain["PSNR"], 16.5) == "16.50 dB"
    assert value_text(plain["variance explained"]) == "87.5 %"
    assert value_text(plain["variance explained"], 0.0) == "0.0 %"
    assert value_text(plain["RMSE of <b>"]) == "53.20"
    assert value_text(plain["PSNR"], math.nan) == "- dB"


def test_the_first_measure_is_told_with_what_it_compares_to() -> None:
    told = tell_measures(scores(PSNR, SHARE))
    assert told == (
        "Measured on 1,500 test examples: PSNR 18.25 dB, ratio of reconstructions. The first 3 components: 16.50 dB."
    )
    assert tell_measures(scores(SHARE)) == (
        "Measured on 1,500 test examples: variance explained 87.5 %, share that comes back."
    )
    assert "on 1 test example:" in tell_measures(scores(SHARE, examples=1))


def test_a_memory_is_told_by_what_it_stored() -> None:
    held = scores(SHARE, task="recall", examples=50)
    assert tell_measures(held).startswith("Measured on the 50 stored examples: variance")
    assert "Measured on the 50 stored examples of toy." in measures_section(held)
    for page in (tell_measures(held), measures_section(held), measures_headline(held)):
        assert "test" not in page


def test_where_nobody_has_judged() -> None:
    nothing = scores(task="generation")
    assert "--source" in tell_measures(nothing)
    assert measures_headline(nothing) == ""
    assert measures_section(nothing) == ""


def test_headline() -> None:
    page = measures_headline(scores(PSNR))
    assert '<span class="big">18.25 dB</span>' in page
    assert "test PSNR: ratio of reconstructions" in page
    assert "the first 3 components: 16.50 dB</span>" in page
    assert "faint" not in measures_headline(scores(SHARE))


def test_all_measures_stand_in_a_table() -> None:
    page = measures_section(scores(PSNR, SHARE, RMSE))
    assert 'id="scores"' in page
    assert page.count("<tr>") == 4
    assert "Measured on 1,500 test examples of toy." in page
    assert "16.50 dB: the first 3 components" in page
    assert page.count("lower is better") == 1
    assert "root of the mean squared error; lower is better" in page


@pytest.mark.parametrize("absent", [None, {"split": "test", "accuracy": 0.5}, {"task": "classification"}])
def test_classifiers_have_more_to_show(absent: dict[str, Any] | None) -> None:
    assert measures_section(absent) == ""


def test_names_are_escaped() -> None:
    evil = scores(RMSE, data="<script>alert(1)</script>")
    for page in (measures_section(evil), measures_headline(evil)):
        assert "<b>" not in page
        assert "<script>" not in page
        assert "RMSE of &lt;b&gt;" in page
        assert "x &amp; y" in page
    assert "&lt;script&gt;" in measures_section(evil)
