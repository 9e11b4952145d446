import pytest
import torch

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.nets.connectionist.patterns import check_patterns, flip, overlap


def test_the_message_holds_the_values_and_a_threshold() -> None:
    with pytest.raises(DataError, match=r"values 0, 64, 128, 255; .*threshold=127\.5"):
        check_patterns(torch.tensor([[0, 64, 128, 255]], dtype=torch.uint8))
    with pytest.raises(DataError, match=r"values 0, 0\.1, 0\.2, 0\.3, \.\.\."):
        check_patterns(torch.arange(10.0)[None] / 10)
    with pytest.raises(DataError, match="nan"):
        check_patterns(torch.tensor([[1.0, float("nan")]]))


def test_empty_and_misshapen_sets() -> None:
    with pytest.raises(DataError, match="at least one pattern"):
        check_patterns(torch.zeros(0, 5))
    with pytest.raises(ShapeError, match="flatten"):
        check_patterns(torch.ones(3, 28, 28))
    with pytest.raises(ShapeError, match=r"\(rows, 7\).*\(2, 5\)"):
        check_patterns(torch.ones(2, 5), neurons=7)


@pytest.mark.parametrize(("fraction", "turned"), [(0.0, 0), (0.25, 4), (1.0, 16)])
def test_flip_turns_an_exact_count_in_each_row(fraction: float, turned: int) -> None:
    x = torch.ones(50, 16)
    noisy = flip(x, fraction, torch.Generator().manual_seed(3))
    assert ((noisy != x).sum(1) == turned).all()
    torch.testing.assert_close(overlap(noisy, x), torch.full((50,), 1 - 2 * turned / 16))
    if fraction == 0.25:
        assert len(noisy.unique(dim=0)) > 40
    with pytest.raises(ConfigError, match=r"fraction in \[0, 1\]"):
        flip(x, 1.5)
