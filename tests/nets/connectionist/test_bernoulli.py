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


def test_draws_compare_one_uniform_number_of_the_generator_each() -> None:
    p = torch.rand(7, 33, generator=torch.Generator().manual_seed(3))
    uniform = torch.rand(7, 33, generator=torch.Generator().manual_seed(9))
    assert draw(p, torch.Generator().manual_seed(9)).equal((uniform < p).float())
    assert draw(p.double(), torch.Generator().manual_seed(9)).dtype == torch.float64


def test_draws_are_uniform_and_unrelated() -> None:
    g = torch.Generator().manual_seed(1)
    for p in (0.003, 0.5, 0.9):
        drawn = draw(torch.full((2000, 500), p), g).numpy()
        assert stats.binomtest(int(drawn.sum()), drawn.size, p).pvalue > 1e-3
        for far in (1, 2, 249, 250):
            both = (drawn[:, :-far] * drawn[:, far:]).mean()
            assert both == pytest.approx(p * p, abs=5 * p / 1000)
    # probabilities below 2^-16, the fraction that a unit's own bits resolve
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
