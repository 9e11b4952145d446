import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.linear_model import Perceptron as TheirPerceptron

from neurarium.checks import ConfigError, DataError, NonFiniteError, ShapeError
from neurarium.learning.losses import one_vs_rest, perceptron
from neurarium.nets.connectionist.perceptron import Perceptron, learn
from neurarium.nets.connectionist.separability import Separator, novikoff, separate

CORNERS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


@pytest.fixture(scope="module")
def iris() -> tuple[torch.Tensor, torch.Tensor]:
    x, t = load_iris(return_X_y=True)
    return torch.from_numpy(x), torch.from_numpy(t)


def test_setosa_and_versicolor_within_novikoffs_bound(iris) -> None:
    x, t = iris[0][iris[1] < 2], iris[1][iris[1] < 2]
    found = learn(x, t)
    assert found.separated
    y = 2 * t.double() - 1
    assert (y * (x @ found.weight + found.bias)).min() > 0
    bound = novikoff(x, t)
    # R^2 of (x, 1) from the table itself
    assert bound.radius == pytest.approx(np.sqrt((x.numpy() ** 2).sum(1).max() + 1))
    assert 0 < len(found.mistakes) <= bound.mistakes == math.floor((bound.radius / bound.margin) ** 2)
    again = learn(x, t, rate=4.0)  # a power of 2: the same to the last bit
    assert again.mistakes.examples.tolist() == found.mistakes.examples.tolist()
    assert torch.equal(again.weight, 4 * found.weight)


def test_versicolor_and_virginica_are_refused_with_a_certificate(iris) -> None:
    x, t = iris[0][iris[1] > 0], iris[1][iris[1] > 0] - 1
    with pytest.raises(DataError, match=r"of example .* = 0") as caught:
        learn(x, t)
    found = separate(x, t)
    assert str(found) in str(caught.value)
    for column in range(4):
        terms = (
            a * (2 * int(t[k]) - 1) * Fraction(x[k, column].item())
            for k, a in zip(found.examples, found.fractions, strict=True)
        )
        assert sum(terms) == 0
    assert not learn(x, t, epochs=3).separated


@pytest.mark.parametrize("labels", [[1, 0, 0, 1], [0, 1, 1, 0], [1, -1, -1, 1]], ids=["xnor", "xor", "signs"])
def test_xor_is_refused_instead_of_looping(labels: list[int]) -> None:
    with pytest.raises(DataError) as caught:
        learn(CORNERS, torch.tensor(labels))
    assert all(f"1/4 of example {k}" in str(caught.value) for k in range(4))
    stopped = learn(CORNERS, torch.tensor(labels), epochs=50)
    assert (stopped.epochs, stopped.separated) == (50, False)


@pytest.mark.parametrize("epochs", [1, 2, 7])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("bias", [True, False])
def test_weights_are_those_of_scikit_learn(iris, epochs: int, dtype: torch.dtype, bias: bool) -> None:
    x, t = iris[0][iris[1] > 0].to(dtype), iris[1][iris[1] > 0] - 1
    order = torch.randperm(len(t), generator=torch.Generator().manual_seed(0))
    x, t = x[order], t[order]
    theirs = TheirPerceptron(max_iter=epochs, tol=None, shuffle=False, eta0=1.0, fit_intercept=bias)
    theirs.fit(x.numpy(), t.numpy())
    ours = learn(x, t, epochs=epochs, bias=bias)
    tolerance = 1e-10 if dtype is torch.float64 else 1e-4
    np.testing.assert_allclose(ours.weight.numpy(), theirs.coef_[0], rtol=0, atol=tolerance)
    assert ours.bias == pytest.approx(theirs.intercept_[0], abs=tolerance)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 6), st.booleans())
def test_mistakes_never_exceed_the_bound(seed: int, count: int, features: int, bias: bool) -> None:
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.integers(-9, 10, (count, features))).double()
    score = x.numpy() @ rng.standard_normal(features) + bias * rng.standard_normal()
    assume(np.abs(score).min() > 1e-3)
    labels = torch.from_numpy(np.where(score > 0, 1, -1))
    found = learn(x, labels, bias=bias)
    assert found.separated
    assert len(found.mistakes) <= novikoff(x, labels, bias).mistakes
    assert len(found.mistakes.by_epoch(count, found.epochs)) == found.epochs
    assert found.mistakes.by_epoch(count, found.epochs)[-1] == 0


def test_the_bound_is_reached() -> None:
    # errata E28: R^2 / gamma^2 = 1 and one mistake, not fewer than ceil(1)
    x, y = torch.tensor([[1.0]]), torch.tensor([1])
    assert len(learn(x, y, bias=False).mistakes) == novikoff(x, y, bias=False).mistakes == 1
    # orthogonal examples of one length, no bias: each is one mistake, R^2 / gamma^2 = n
    x, y = torch.eye(7), torch.tensor([1, -1, 1, 1, -1, -1, 1])
    assert len(learn(x, y, bias=False).mistakes) == novikoff(x, y, bias=False).mistakes == 7


def test_pocket_and_averages_beat_the_last_weights_on_noisy_labels() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2000, 10))
    clean = np.where(x @ rng.standard_normal(10) > 0, 1, -1)
    noisy = np.where(rng.random(2000) < 0.1, -clean, clean)
    wrong = {}
    for answers in ("last", "pocket", "averaged"):
        found = learn(torch.from_numpy(x), torch.from_numpy(noisy), epochs=10, answers=answers)
        wrong[answers] = (clean != np.sign(x @ found.weight.numpy() + found.bias)).mean()
    assert wrong["averaged"] < 0.05
    assert wrong["pocket"] < wrong["last"]


def test_module_answers_by_its_score() -> None:
    net = Perceptron(6)
    net.weight.data = torch.arange(6.0) - 2
    net.bias.data.fill_(0.5)
    x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
    score = x.flatten(1) @ (torch.arange(6.0) - 2) + 0.5
    outputs = net(x)
    torch.testing.assert_close(outputs[:, 1] - outputs[:, 0], score)
    assert torch.equal(outputs.argmax(1), (score > 0).long())
    targets = torch.tensor([0, 1, 1, 0, 1])
    expected = (-(2 * targets - 1) * score).clamp(min=0).mean()
    torch.testing.assert_close(one_vs_rest(perceptron, outputs, targets), expected)
    assert Perceptron(3)(torch.ones(1, 3)).argmax(1).item() == 0  # a score of 0 is the first class's


def test_a_descent_step_on_the_perceptron_loss_is_the_rule() -> None:
    net, x = Perceptron(3), torch.tensor([[1.0, -2.0, 0.5]])
    net.bias.data.fill_(-1.0)
    one_vs_rest(perceptron, net(x), torch.tensor([1])).backward()
    assert (-net.weight.grad).tolist() == x[0].tolist()
    assert -net.bias.grad.item() == 1.0


def test_bad_input() -> None:
    x, y = torch.randn(4, 3), torch.tensor([0, 1, 0, 1])
    with pytest.raises(DataError, match="the labels 0, 1, 2"):
        learn(x, torch.tensor([0, 1, 2, 0]))
    for bad in (math.nan, math.inf, -math.inf):
        broken = x.clone()
        broken[2, 1] = bad
        with pytest.raises(NonFiniteError, match="example 2"):
            learn(broken, y, epochs=2)
    with pytest.raises(ShapeError, match=r"\(4, 3\) and \(3,\)"):
        learn(x, y[:3])
    with pytest.raises(ConfigError, match="epochs"):
        learn(x, y, epochs=0)
    with pytest.raises(ConfigError, match="features"):
        Perceptron(0)
    with pytest.raises(ShapeError, match="3 numbers"):
        Perceptron(3)(torch.zeros(2, 4))


def test_constant_columns_and_one_class_do_no_harm() -> None:
    assert learn(torch.cat([CORNERS, torch.full((4, 1), 7.0)], 1), torch.tensor([0, 0, 0, 1])).separated
    assert len(learn(CORNERS, torch.tensor([1, 1, 1, 1])).mistakes) == 1
    assert isinstance(separate(CORNERS, torch.tensor([0, 0, 0, 0])), Separator)
