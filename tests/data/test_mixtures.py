import math

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.data.dataset import Dataset
from neurarium.data.mixtures import Mixture, grid, load_grid, load_ring, mode_scores, ring


def test_centers() -> None:
    eight = ring().centers.numpy()
    np.testing.assert_allclose(np.hypot(*eight.T), 2.0)
    np.testing.assert_allclose(np.diff(np.unwrap(np.arctan2(eight[:, 1], eight[:, 0]))), np.pi / 4)
    assert sorted(map(tuple, grid().centers.tolist())) == [(a, b) for a in (-4, -2, 0, 2, 4) for b in (-4, -2, 0, 2, 4)]


@pytest.mark.parametrize("mixture", [ring(), grid()], ids=["ring", "grid"])
def test_points_have_the_moments_of_the_mixture(mixture: Mixture) -> None:
    points, modes = mixture.draw(1000)
    assert torch.equal(modes.bincount(), torch.full((len(mixture.centers),), 1000))
    away = points - mixture.centers[modes]
    # standard errors: sigma / sqrt(n), sigma / sqrt(2 n)
    n = len(points)
    assert (away.mean(0).abs() < 4 * mixture.std / math.sqrt(n)).all()
    assert ((away.std(0) - mixture.std).abs() < 4 * mixture.std / math.sqrt(2 * n)).all()
    # in random order: the mode of a point says nothing about the next one's
    same = (modes[1:] == modes[:-1]).double().mean().item()
    assert same == pytest.approx(1 / len(mixture.centers), abs=0.02)


def test_draws_follow_their_seed() -> None:
    first, again, other = ring().draw(10)[0], ring().draw(10)[0], ring().draw(10, seed=1)[0]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("load", "modes"), [(load_ring, 8), (load_grid, 25)])
def test_data_sets(load, modes: int) -> None:
    data = load()
    assert isinstance(data, Dataset)
    assert (list(data.schema.inputs), data.schema.input.shape, data.schema.outputs) == (["point"], (2,), modes)
    assert sum(data.counts().values()) == 1000 * modes
    assert torch.equal(data.test.target("label").bincount(), torch.full((modes,), 100))
    assert data.fingerprint() == load().fingerprint()


def test_the_mixture_itself_scores_what_theory_says() -> None:
    points, _ = ring().draw(5000, seed=3)
    scores = mode_scores(points, ring())
    expected, n = 1 - math.exp(-4.5), len(points)
    assert abs(scores.good - expected) < 4 * math.sqrt(expected * (1 - expected) / n)
    assert scores.covered == 1.0


def test_scores_by_counting() -> None:
    mixture = Mixture(torch.tensor([[0.0, 0.0], [10.0, 0.0]]), std=1.0)
    points = torch.tensor([[0.0, 2.9], [0.0, 3.1], [2.0, 2.0], [10.0, 0.0], [50.0, 0.0]])
    scores = mode_scores(points, mixture)
    assert scores.counts == (2, 1)
    assert scores.good == pytest.approx(3 / 5)
    assert scores.covered == 1.0
    # a mode's due are 2.5 points: half of it is more than one
    assert mode_scores(points, mixture, least=0.5).covered == 0.5
    assert mode_scores(points[4:], mixture).covered == 0.0


def test_bad_input() -> None:
    with pytest.raises(ConfigError, match="least"):
        mode_scores(torch.zeros(1, 2), ring(), least=1.5)
    with pytest.raises(ConfigError, match="points"):
        mode_scores(torch.zeros(0, 2), ring())
