"""Settings of nets of linear recurrences that no net can have."""

import pytest

from neurarium.checks import ConfigError
from neurarium.nets.recurrent.linear_specs import LRUSpec, MinGRUSpec


def test_what_cannot_be_is_refused() -> None:
    for words, wrong in (
        ("width", {"width": 1}),
        ("states", {"states": 0}),
        ("layers", {"layers": 0}),
        ("smallest", {"smallest": 0.9, "largest": 0.9}),
        ("smallest", {"largest": 1.1}),
        ("largest_phase", {"largest_phase": 0.0}),
    ):
        with pytest.raises(ConfigError, match=words):
            LRUSpec(**wrong)
    with pytest.raises(ConfigError, match="states"):
        MinGRUSpec(states=0)
    with pytest.raises(ConfigError, match="longest"):
        MinGRUSpec(longest=1)
