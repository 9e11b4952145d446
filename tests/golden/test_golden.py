"""Every recipe still learns what it learned when `golden.json` was written: to the bit where machine and torch are the
same, and else the same to rounding in its first epoch."""

import json
from pathlib import Path

import pytest
import torch

from .measure import cases, key, numbers_of

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())
HERE = GOLDEN.get(key())
BEYOND = next(iter(GOLDEN.values()))


def test_every_case_is_kept() -> None:
    assert set(cases()) == set(HERE or BEYOND)


@pytest.mark.parametrize("name", cases())
def test_learns_the_same(name: str) -> None:
    assert torch.get_num_threads() == 1
    found = numbers_of(cases()[name])
    if HERE is not None:
        assert found == HERE[name]
        return
    for new, old in zip(found["epochs"][0], BEYOND[name]["epochs"][0], strict=True):
        assert new == pytest.approx(old, rel=1e-3, abs=1e-3)
