from dataclasses import dataclass

import pytest

from neurarium.checks import ConfigError
from neurarium.nets.refusals import check_at_least_one, check_dropout, other_input
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema


@dataclass(frozen=True)
class Two(NetSpec):
    width: int = 1
    depth: int = 1


def test_sizes_and_probabilities() -> None:
    check_at_least_one(Two(), "width", "depth")
    with pytest.raises(ConfigError, match=r"net\.depth: expected an integer >= 1, got 0"):
        check_at_least_one(Two(depth=0), "width", "depth")
    check_dropout(0.0)
    for wrong in (-0.1, 1.0, float("nan")):
        with pytest.raises(ConfigError, match=r"net\.dropout"):
            check_dropout(wrong)


def test_says_what_came() -> None:
    schema = Schema({"x": Field((None, 3), axis="time"), "word": Field((), ("a", "b"))})
    said = str(other_input("gin", "graphs", schema))
    assert said.startswith("gin input: expected graphs, got x (time x 3), word (one of 2 categories); choose")
