import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from torch import nn

from neurarium.checks import ConfigError
from neurarium.learning.adversarial import LOSSES, adversarial_loss, gradient_penalty

REAL, FAKE = torch.tensor([1.5, -0.5, 3.0]).double(), torch.tensor([-2.0, 0.25]).double()


def probability(logits: torch.Tensor) -> np.ndarray:
    return 1 / (1 + np.exp(-logits.numpy()))


def test_logistic_losses_against_their_definitions() -> None:
    p, q = probability(REAL), probability(FAKE)
    expected = -np.log(p).mean() - np.log(1 - q).mean()
    for name in ("non-saturating", "saturating"):
        assert LOSSES[name].discriminator(REAL, FAKE).item() == pytest.approx(expected)
    assert LOSSES["non-saturating"].generator(FAKE).item() == pytest.approx(-np.log(q).mean())
    assert LOSSES["saturating"].generator(FAKE).item() == pytest.approx(np.log(1 - q).mean())


def test_least_squares_by_hand() -> None:
    loss = LOSSES["least-squares"]
    # ((0.25 + 2.25 + 4) / 3 + (4 + 0.0625) / 2) / 2,   (9 + 0.5625) / 4
    assert loss.discriminator(REAL, FAKE).item() == pytest.approx((6.5 / 3 + 4.0625 / 2) / 2)
    assert loss.generator(FAKE).item() == pytest.approx(9.5625 / 4)


def slope(name: str, logit: float) -> float:
    a = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
    LOSSES[name].generator(a).backward()
    return float(a.grad)


@pytest.mark.parametrize("logit", [-30.0, -3.0, 0.0, 2.0])
def test_error_signals_of_the_generator(logit: float) -> None:
    s = 1 / (1 + math.exp(-logit))
    assert slope("saturating", logit) == pytest.approx(-s, rel=1e-9)
    assert slope("non-saturating", logit) == pytest.approx(s - 1, rel=1e-9)
    assert slope("least-squares", logit) == pytest.approx(logit - 1)


def test_large_logits_do_not_overflow() -> None:
    huge = torch.tensor([1000.0])
    for loss in LOSSES.values():
        assert loss.discriminator(-huge, huge).isfinite()
        assert loss.generator(-huge).isfinite()
    assert LOSSES["non-saturating"].generator(-huge).item() == 1000


def test_the_best_discriminator_on_six_letters() -> None:
    # letter k stands p_k times among 20 real examples and q_k times among 20 generated ones
    p, q = np.array([8, 5, 3, 2, 1, 1]), np.array([1, 3, 3, 3, 4, 6])
    real, fake = (torch.from_numpy(np.repeat(np.arange(6), counts)) for counts in (p, q))
    table = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    loss = LOSSES["non-saturating"].discriminator
    optimizer = torch.optim.LBFGS(
        [table], max_iter=200, tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss(table[real], table[fake])
        value.backward()
        return value

    optimizer.step(closure)
    np.testing.assert_allclose(probability(table.detach()), p / (p + q), rtol=1e-6)
    divergence = jensenshannon(p / 20, q / 20) ** 2
    assert closure().item() == pytest.approx(2 * math.log(2) - 2 * divergence, rel=1e-9)
    # the saturating generator's loss is what remains of it: E log(1 - D)
    generator = LOSSES["saturating"].generator(table[fake]).item()
    assert generator == pytest.approx((q / 20 * np.log(q / (p + q))).sum(), rel=1e-6)


def test_thresholds_lie_between_the_codes() -> None:
    assert [loss.threshold for loss in LOSSES.values()] == [0.0, 0.0, 0.5]


def test_penalty_of_a_small_net_by_hand() -> None:
    # a(x) = v tanh(W x): da/dx = W^T (v (1 - tanh^2))
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Tanh(), nn.Linear(4, 1)).double()
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    found = gradient_penalty(net(x), x, 0.7)
    w, v = (net[k].weight.detach().numpy() for k in (0, 2))
    gradients = (v * (1 - np.tanh(x.detach().numpy() @ w.T) ** 2)) @ w
    assert found.item() == pytest.approx(0.35 * np.square(gradients).sum(1).mean())


def test_gradient_of_the_penalty_by_finite_differences() -> None:
    x = torch.randn(4, 2, dtype=torch.float64)

    def penalty(w: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        inputs = x.clone().requires_grad_()
        return gradient_penalty(torch.tanh(inputs @ w) @ v, inputs, 2.0)

    w, v = (torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((2, 3), (3,)))
    assert torch.autograd.gradcheck(penalty, (w, v))


def test_an_unknown_loss() -> None:
    with pytest.raises(ConfigError, match="did you mean least-squares"):
        adversarial_loss("least-square")
