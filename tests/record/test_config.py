import dataclasses
from pathlib import Path
from typing import Literal

import pytest

from neurarium.checks import ConfigError
from neurarium.record.config import overlay, read_toml, to_plain, write_toml


@dataclasses.dataclass(frozen=True)
class Inner:
    rate: float = 0.1
    kind: Literal["a", "b"] = "a"


@dataclasses.dataclass(frozen=True)
class Outer:
    count: int = 3
    name: str = "x"
    on: bool = False
    sizes: tuple[int, ...] = (1, 2)
    limit: float | None = None
    inner: Inner = dataclasses.field(default_factory=Inner)


def test_round_trip_through_toml(tmp_path: Path) -> None:
    settings = Outer(count=7, name='quotes " and ü', on=True, sizes=(), limit=None, inner=Inner(1e-30, "b"))
    path = tmp_path / "config.toml"
    path.write_text(write_toml(to_plain(settings)), encoding="utf-8")
    # start from other values, so that a field that is not carried over shows
    other = Outer(limit=5.0, sizes=(9,), inner=Inner(2.0))
    assert overlay(other, read_toml(path)) == settings


def test_names_only_what_differs() -> None:
    assert overlay(Outer(), {"inner": {"rate": 1}}) == Outer(inner=Inner(1.0))


@pytest.mark.parametrize(
    ("values", "path", "says"),
    [
        ({"coutn": 1}, "coutn", "did you mean count?"),
        ({"inner": {"rat": 1}}, "inner.rat", "did you mean rate?"),
        ({"count": 1.5}, "count", "an integer, got 1.5"),
        ({"count": True}, "count", "an integer, got True"),
        ({"inner": {"rate": "fast"}}, "inner.rate", "a number, got 'fast'"),
        ({"inner": 3}, "inner", "a table of settings"),
        ({"on": 1}, "on", "true or false"),
        ({"sizes": [1, "b"]}, "sizes[1]", "an integer"),
        ({"sizes": 3}, "sizes", "a list of values"),
        ({"inner": {"kind": "c"}}, "inner.kind", "one of a, b"),
    ],
)
def test_mistakes_name_the_field(values: dict[str, object], path: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        overlay(Outer(), values)
    assert path in str(caught.value)
    assert says in str(caught.value)


def test_file_that_is_missing_or_no_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_toml(tmp_path / "absent.toml")
    (tmp_path / "bad.toml").write_text("epochs = = 3")
    with pytest.raises(ConfigError, match="line 1"):
        read_toml(tmp_path / "bad.toml")
