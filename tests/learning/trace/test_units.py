import math

import numpy as np
import pytest
import torch
from torch import nn

from neurarium.learning.trace.units import dead_fraction, length, saturated_fraction, statistics
from neurarium.nets.parts.activation import Sign


def test_statistics_are_numpys():
    y = torch.randn(50, 7, generator=torch.Generator().manual_seed(0)).relu() + 0.0
    found, numbers = statistics(y), y.numpy().astype(np.float64)
    assert found == pytest.approx((numbers.mean(), numbers.std(), 0, numbers.max(), (numbers == 0).mean()), rel=1e-5)


def test_statistics_of_a_bad_tensor_are_told():
    found = statistics(torch.tensor([1.0, math.nan]))
    assert math.isnan(found.mean)
    assert math.isnan(found.deviation)


@pytest.mark.parametrize("scale", [1e-38, 1e-25, 1.0, 1e25, 1e38])
def test_length_of_tiny_and_huge(scale):
    x = torch.tensor([0.3, -0.4]) * scale
    assert length(x) == pytest.approx(0.5 * scale, rel=1e-5)


def test_length_of_nothing_and_of_what_is_not_finite():
    assert length(torch.zeros(3)) == 0
    assert length(torch.zeros(0)) == 0
    assert length(torch.tensor([1.0, math.inf])) == math.inf
    assert math.isnan(length(torch.tensor([1.0, math.nan])))


def test_saturated_by_the_derivative():
    # s(x)(1 - s(x)) = 0.05 / 4 at x = 4.357; 1 - tanh(x)^2 = 0.05 at x = 2.178
    x = torch.tensor([0.0, 4.35, -4.35, 4.36, -4.36, 9.0])
    assert saturated_fraction(nn.Sigmoid(), x.sigmoid()) == pytest.approx(3 / 6)
    assert saturated_fraction(nn.Tanh(), torch.tensor([0.0, 2.17, -2.17, 2.19]).tanh()) == pytest.approx(1 / 4)
    assert saturated_fraction(nn.Hardtanh(), torch.tensor([-1.0, 0.5, 1.0, 0.0])) == 0.5
    assert saturated_fraction(nn.ReLU6(), torch.tensor([0.0, 3.0, 6.0, 6.0])) == 0.5
    assert saturated_fraction(Sign(), torch.ones(4)) == 1
    assert saturated_fraction(nn.ReLU(), x) is None


def test_a_softmax_saturates_by_rows():
    logits = torch.zeros(4, 1000)
    logits[0, 5] = 30.0
    assert saturated_fraction(nn.Softmax(1), logits.softmax(1)) == pytest.approx(1 / 4)
    assert saturated_fraction(nn.Softmax(0), logits.T.softmax(0)) == pytest.approx(1 / 4)


def test_dead_means_zero_for_every_example():
    y = torch.tensor([[0.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0]])
    assert dead_fraction(nn.ReLU(), y) == 0.5
    assert dead_fraction(nn.ReLU(), y.T, axis=1) == 0.5
    assert dead_fraction(nn.LeakyReLU(), y) is None


def test_maps_die_by_channels():
    y = torch.zeros(2, 3, 4, 4)
    y[1, 0, 2, 2] = 1.0  # one living place keeps the channel alive
    assert dead_fraction(nn.ReLU(), y) == pytest.approx(2 / 3)
