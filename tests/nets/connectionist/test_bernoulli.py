import numpy as np
import pytest
import torch
from scipy import stats

from neurarium.nets.connectionist.bernoulli import draw, reconstruction_entropy


def test_draws_have_the_given_probabilities() -> None:
    p = torch.tensor([0.0, 0.25, 1.0]).expand(40_000, -1)
    drawn = draw(p, torch.Generator().manual_seed(0))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    np.testing.assert_allclose(drawn.mean(0), [0, 0.25, 1], atol=0.01)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7, 8, 100_001])
def test_units_that_are_certain_are_drawn_so(count: int) -> None:
    for certain in (torch.zeros(1, count), torch.ones(1, count)):
        assert draw(certain).equal(certain)


def test_draws_take_their_own_and_lent_bits() -> None:
    # the uniform number of unit i by hand: bits 16 i .. 16 i + 15 of the words as the generator gives them, signed,
    # and above them the byte that ends count - i bytes before the last
    count = 1001
    words = torch.empty(count // 4 + 2, dtype=torch.int64)
    raw = words.random_(-(2**63), None, generator=torch.Generator().manual_seed(9)).numpy().tobytes()
    own = [int.from_bytes(raw[2 * i : 2 * i + 2], "little", signed=True) + 2**15 for i in range(count)]
    uniform = torch.tensor([(2**8 * own[i] + raw[len(raw) - count + i]) / 2**24 for i in range(count)])
    assert not draw(uniform[None], torch.Generator().manual_seed(9)).any()
    assert draw(uniform[None] + 2**-24, torch.Generator().manual_seed(9)).all()
    assert all(i < (len(raw) - count + i) // 2 for i in range(count))


def test_draws_are_uniform_and_unrelated() -> None:
    g = torch.Generator().manual_seed(1)
    for p in (0.003, 0.5, 0.9):
        drawn = draw(torch.full((2000, 500), p), g).numpy()
        assert stats.binomtest(int(drawn.sum()), drawn.size, p).pvalue > 1e-3
        for far in (1, 2, 249, 250):
            both = (drawn[:, :-far] * drawn[:, far:]).mean()
            assert both == pytest.approx(p * p, abs=5 * p / 1000)
    # probabilities below 2^-16, the share that a unit's own bits resolve
    rare = int(draw(torch.full((4, 2**22), 2.0**-18), g).sum())  # 64 expected
    assert stats.poisson(64).cdf(rare) == pytest.approx(0.5, abs=0.499)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (4, 4), (7, 33)])
@pytest.mark.parametrize("scale", [0.1, 5.0, 200.0])
def test_entropy_of_reconstructions_is_that_of_numpy(shape: tuple[int, int], scale: float) -> None:
    g = torch.Generator().manual_seed(2)
    field, v = scale * torch.randn(shape, generator=g), torch.rand(shape, generator=g)
    f, x = field.double().numpy(), v.double().numpy()
    expected = (x * np.logaddexp(0, -f) + (1 - x) * np.logaddexp(0, f)).sum()
    found = reconstruction_entropy(field, field.sigmoid(), v)
    assert float(found) == pytest.approx(expected, rel=1e-5, abs=1e-5)
