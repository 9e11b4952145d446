import re

import numpy as np
import pytest

from neurarium.checks import ConfigError, DataError
from neurarium.cli.recall_command import run


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder, return what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def call(*arguments: str) -> str:
        assert run(arguments) == 0
        return capsys.readouterr().out

    return call


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line.startswith("│")]


@pytest.mark.parametrize("storage", ["pseudo-inverse", "dense", "modern"])
def test_digits_are_recalled_and_drawn(said, tmp_path, storage) -> None:
    found = rows(said("--storage", storage, "--patterns", "10", "--probes", "2", "--out", "memory.png"))
    assert len(found) == 2
    for _, before, after, _, rest, high, low, reached in found:
        assert (before, after, rest, reached) == ("0.500", "1.000", "yes", "right")
        assert float(low) < float(high)
    assert (tmp_path / "memory.png").read_bytes().startswith(b"\x89PNG")


def test_a_memory_that_fails_says_so(said) -> None:
    for *_, reached in rows(said("--storage", "hebbian", "--patterns", "20", "--probes", "3")):
        assert re.match(r"none: \d+ pixels wrong, nearest is", reached)


def test_more_patterns_than_it_holds_is_said_with_the_number(said) -> None:
    text = said("--storage", "hebbian", "--patterns", "109", "--probes", "1")
    # 0.137906 * 784 = 108.1
    assert "warning: 109 patterns in 784 neurons: Hebb's rule holds about 108.1" in " ".join(text.split())


def test_seed_decides(said) -> None:
    one, again, other = (
        said("--storage", "dense", "--patterns", "5", "--probes", "3", "--seed", seed) for seed in ("1", "1", "2")
    )
    assert one == again
    assert one != other


def test_bad_input(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, text in (
        (["--patterns", "0"], "probes"),
        (["--patterns", "5000"], "from 1 to 4000"),
        (["--probes", "30"], "from 1 to the 20 patterns"),
        (["--flip", "1.2"], r"share in \[0, 1\]"),
        (["--threshold", "1"], "threshold"),
        (["--storage", "modern", "--beta", "0"], "beta"),
        (["--order", "3"], "--storage dense"),
    ):
        with pytest.raises(ConfigError, match=text):
            run(arguments)
    np.savez(tmp_path / "v.npz", inputs=np.random.default_rng(0).normal(size=(40, 4)), targets=np.arange(40) % 2)
    with pytest.raises(DataError):
        run(["--data", "v.npz"])
