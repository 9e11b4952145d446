"""Ways are timed by a clock that the ways themselves put forward."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from neurarium.record import choices
from neurarium.record.choices import VARIABLE, fastest, measured, processor


class Clock:
    """A clock that runs only while a way does."""

    def __init__(self) -> None:
        self.now, self.calls = 0.0, list[str]()

    def __call__(self) -> float:
        return self.now

    def way(self, name: str, *seconds: float) -> Callable[[], None]:
        """A way that takes so long, one time after the other, the last ever after."""
        left = list(seconds)

        def run() -> None:
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return run


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a user who has measured nothing yet."""
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "neurarium" / "choices.json"


@pytest.mark.parametrize(("other", "winner"), [(0.0094, "other"), (0.0096, "usual"), (0.02, "usual")])
def test_another_way_must_save_five_percent(other: float, winner: str) -> None:
    clock = Clock()
    assert measured({"usual": clock.way("usual", 0.01), "other": clock.way("other", other)}, clock) == winner


def test_warm_up_and_disturbances_do_not_count() -> None:
    """The first call is slow, and each is held up once: the shortest times decide."""
    clock = Clock()
    usual = clock.way("usual", 0.001, 0.9, 0.010)
    assert measured({"usual": usual, "other": clock.way("other", 5.0, 0.008, 0.9, 0.008)}, clock) == "other"


@pytest.mark.parametrize(("seconds", "rounds"), [(0.001, 25), (0.02, 7), (3.0, 1)])
def test_how_long_it_measures(seconds: float, rounds: int) -> None:
    """In turns: 50 ms of short ways, 7 rounds of longer ones, one of those that take seconds."""
    clock = Clock()
    measured({"a": clock.way("a", seconds), "b": clock.way("b", seconds)}, clock)
    turns = len(clock.calls) // 2 - 1
    assert clock.calls == ["a", "b"] * (turns + 1)
    assert abs(turns - rounds) <= 1  # sums of floats


def test_a_choice_is_kept_for_its_sizes_on_its_processor(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(sizes: str) -> tuple[str, bool]:
        clock = Clock()
        ways = {"usual": clock.way("usual", 2.0), "other": clock.way("other", 1.0)}
        return fastest("thing", sizes, ways, clock), bool(clock.calls)

    assert choose("4 x 4") == ("other", True)
    assert choose("4 x 4") == ("other", False)
    assert choose("8 x 8") == ("other", True)
    assert set(json.loads(cache.read_text())) == {f"thing; {s}; {processor()}" for s in ("4 x 4", "8 x 8")}
    monkeypatch.setattr(choices, "processor", lambda: "another")
    assert choose("4 x 4") == ("other", True)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b'{"thing; 4; here": "gone"}', b'{"thing; 4; here": []}']
)
def test_a_damaged_cache_is_measured_anew(content: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "processor", lambda: "here")
    cache.parent.mkdir()
    cache.write_bytes(content)
    clock = Clock()
    ways = {"usual": clock.way("usual", 2.0), "other": clock.way("other", 1.0)}
    assert fastest("thing", "4", ways, clock) == "other"
    assert json.loads(cache.read_text()) == {"thing; 4; here": "other"}


def test_a_cache_that_cannot_be_written_hurts_nothing(cache: Path) -> None:
    cache.parent.write_text("a file where the folder should be")
    clock = Clock()
    assert fastest("thing", "4", {"usual": clock.way("u", 2.0), "other": clock.way("o", 1.0)}, clock) == "other"


@pytest.mark.parametrize(
    ("fixed", "way"),
    [("", "usual"), ("thing=other", "other"), ("a=b, thing=other", "other"), ("thing=gone", "usual"), ("no", "usual")],
)
def test_the_variable_decides_without_measuring(
    fixed: str, way: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, fixed)
    clock = Clock()
    assert fastest("thing", "4", {"usual": clock.way("u", 2.0), "other": clock.way("o", 1.0)}, clock) == way
    assert not clock.calls
    assert not cache.exists()
