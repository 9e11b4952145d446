from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from scipy import special
from sklearn.metrics import hinge_loss, log_loss, mean_squared_error, r2_score
from torch import Tensor
from torch.nn import functional as F

from neurarium.checks import ShapeError
from neurarium.learning.losses import (
    absolute_error,
    binary_cross_entropy,
    cross_entropy,
    hinge,
    logistic,
    one_vs_rest,
    perceptron,
    squared_distance,
    squared_error,
    weight_of,
    zero_one,
)

Loss = Callable[..., Tensor]
MARGINS = {"logistic": logistic, "hinge": hinge, "perceptron": perceptron}
LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "squared_error": squared_error,
    "absolute_error": absolute_error,
    "binary_cross_entropy": binary_cross_entropy,
    **{name: partial(one_vs_rest, loss) for name, loss in MARGINS.items()},
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=list(LOSSES))


def logits(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 2


def distributions(rows: int, classes: int) -> Tensor:
    return logits(rows, classes, seed=7).softmax(1)


def by_numpy(name: str, a: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Each entry's loss from its definition; `q` holds distributions."""
    match name:
        case "cross_entropy":
            return -special.xlogy(q, special.softmax(a, axis=1)).sum(1)
        case "squared_error":
            return ((a - q) ** 2).sum(1) / 2
        case "absolute_error":
            return np.abs(a - q).sum(1)
        case "binary_cross_entropy" | "logistic":
            return -(q * np.log(special.expit(a)) + (1 - q) * np.log(special.expit(-a))).sum(1)
        case "hinge":
            return (q * np.maximum(0, 1 - a) + (1 - q) * np.maximum(0, 1 + a)).sum(1)
        case _:
            return (q * np.maximum(0, -a) + (1 - q) * np.maximum(0, a)).sum(1)


@pytest.mark.parametrize("name", LOSSES)
def test_value_by_numpy(name: str) -> None:
    a, t, q = logits(6, 4), torch.tensor([1, 0, 3, 3, 2, 1]), distributions(6, 4)
    assert float(LOSSES[name](a, t)) == pytest.approx(by_numpy(name, a.numpy(), np.eye(4)[t]).mean(), rel=1e-12)
    assert float(LOSSES[name](a, q)) == pytest.approx(by_numpy(name, a.numpy(), q.numpy()).mean(), rel=1e-12)


GRADIENTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "cross_entropy": lambda a, q: special.softmax(a, axis=1) - q,
    "squared_error": lambda a, q: a - q,
    "absolute_error": lambda a, q: np.sign(a - q),
    "binary_cross_entropy": lambda a, q: special.expit(a) - q,
    "logistic": lambda a, q: (1 - q) * special.expit(a) - q * special.expit(-a),
    "hinge": lambda a, q: (1 - q) * (a > -1) - q * (a < 1),
    "perceptron": lambda a, q: (1 - q) * (a >= 0) - q * (a <= 0),
}


@pytest.mark.parametrize("soft", [False, True], ids=["classes", "distributions"])
@pytest.mark.parametrize("name", LOSSES)
def test_gradient_in_closed_form(name: str, soft: bool) -> None:
    a, t = logits(6, 4).requires_grad_(), torch.tensor([1, 0, 3, 3, 2, 1])
    q = distributions(6, 4) if soft else torch.eye(4, dtype=torch.float64)[t]
    LOSSES[name](a, q if soft else t).backward()
    expected = GRADIENTS[name](a.detach().numpy(), q.numpy()) / 6
    np.testing.assert_allclose(a.grad.numpy(), expected, atol=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_by_finite_differences(name: str) -> None:
    weights = torch.tensor([0.5, 1.0, 3.0, 0.1], dtype=torch.float64)
    a, t = logits(5, 4).requires_grad_(), torch.tensor([1, 0, 3, 2, 2])
    assert torch.autograd.gradcheck(lambda a: LOSSES[name](a, t, weights), (a,))
    assert torch.autograd.gradcheck(lambda a: LOSSES[name](a, distributions(5, 4), weights), (a,))


def test_scikit_learn_and_scipy_as_peers() -> None:
    a, t = logits(50, 3), torch.arange(50) % 3
    p = special.softmax(a.numpy(), axis=1)
    assert float(cross_entropy(a, t)) == pytest.approx(log_loss(t, p), rel=1e-10)
    expected = -special.log_softmax(a.numpy(), axis=1)[np.arange(50), t].mean()
    assert float(cross_entropy(a, t)) == pytest.approx(expected, rel=1e-12)
    signs = np.where(t == 0, -1, 1)
    one = a[:, 0]
    assert float(hinge(one, torch.tensor(signs)).mean()) == pytest.approx(hinge_loss(signs, one), rel=1e-12)
    assert float(logistic(one, torch.tensor(signs)).mean()) == pytest.approx(
        log_loss(signs, special.expit(one.numpy())), rel=1e-10
    )


def test_logistic_against_the_rest_is_binary_cross_entropy() -> None:
    a, q = logits(6, 4), distributions(6, 4)
    torch.testing.assert_close(one_vs_rest(logistic, a, q), binary_cross_entropy(a, q), rtol=1e-13, atol=0)


@every_loss
def test_huge_outputs_are_finite(loss: Loss) -> None:
    a = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]], requires_grad=True)
    for targets in (torch.tensor([0, 0]), torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.0, 1.0]])):
        a.grad = None
        value = loss(a, targets)
        value.backward()
        assert value.isfinite()
        assert a.grad.isfinite().all()


def test_cross_entropy_of_huge_logits_is_the_difference() -> None:
    assert float(cross_entropy(torch.tensor([[1e4, 0.0]]), torch.tensor([1]))) == 1e4


def test_worked_signal_of_the_squared_error_is_output_minus_target() -> None:
    # (0.2^2 + (0.7 - 1)^2 + 1 + (2 - 1)^2) / (2 * 2)
    outputs = torch.tensor([[0.2, 0.7], [2.0, 1.0]], requires_grad=True)
    loss = squared_error(outputs, torch.tensor([1, 0]))
    assert loss.item() == pytest.approx((0.04 + 0.09 + 1 + 1) / 4)
    loss.backward()
    torch.testing.assert_close(outputs.grad, torch.tensor([[0.1, -0.15], [0.5, 0.5]]))


def test_kinks() -> None:
    zero = torch.zeros(2, requires_grad=True)
    absolute_error(zero[None], torch.zeros(1, 2)).backward()
    assert zero.grad.tolist() == [0.0, 0.0]
    zero.grad = None
    perceptron(zero, torch.tensor([1.0, -1.0])).sum().backward()
    assert zero.grad.tolist() == [-1.0, 1.0]


def test_a_step_on_the_perceptron_criterion_is_rosenblatts_rule() -> None:
    """004's w + eta y x; 003's w + eta (y - sign(w x)) x is twice as long."""
    x, y = logits(8, 3), torch.tensor([1.0, -1.0] * 4, dtype=torch.float64)
    w, rule, eta, corrected = torch.zeros(3, dtype=torch.float64, requires_grad=True), np.zeros(3), 0.1, 0
    for example, sign in zip(x, y, strict=True):
        (gradient,) = torch.autograd.grad(perceptron(example @ w, sign), w)
        answer = 1 if rule @ example.numpy() > 0 else -1
        wrong = rule @ example.numpy() * float(sign) <= 0
        doubled = eta * (float(sign) - answer) * example.numpy()
        if wrong and rule.any():
            corrected += 1
            np.testing.assert_allclose(-2 * eta * gradient.numpy(), doubled, atol=1e-15)
        rule = rule + eta * float(sign) * example.numpy() * wrong
        w = (w - eta * gradient).detach().requires_grad_()
        np.testing.assert_allclose(w.detach().numpy(), rule, atol=1e-15)
    assert corrected > 0


@every_loss
def test_mask_equals_removing_the_entries(loss: Loss) -> None:
    a, t = logits(3, 5, 4).requires_grad_(), torch.arange(15).view(3, 5) % 4
    mask = torch.tensor([5, 2, 4])[:, None] > torch.arange(5)
    padded = t.masked_fill(~mask, -1)
    weights = torch.tensor([1.0, 2.0, 0.5, 4.0], dtype=torch.float64)
    value = loss(a.masked_fill(~mask[..., None], float("nan")), padded, weights, mask=mask)
    kept = [(b, s) for b, n in enumerate((5, 2, 4)) for s in range(n)]
    rows, classes = torch.stack([a[b, s] for b, s in kept]), torch.tensor([int(t[b, s]) for b, s in kept])
    torch.testing.assert_close(value, loss(rows, classes, weights))
    value.backward()
    assert (a.grad[~mask] == 0).all()
    assert a.grad.isfinite().all()
    soft = torch.eye(4, dtype=torch.float64)[t]
    torch.testing.assert_close(loss(a, soft, weights, mask=mask), loss(rows, classes, weights))


@every_loss
def test_sequences_are_means_over_all_places(loss: Loss) -> None:
    a, t = logits(2, 3, 4), torch.tensor([[0, 1, 2], [3, 0, 1]])
    each = [float(loss(a[b, s][None], t[b, s][None])) for b in range(2) for s in range(3)]
    assert float(loss(a, t)) == pytest.approx(np.mean(each), rel=1e-12)


def test_weighted_is_torchs() -> None:
    a, t = logits(7, 3), torch.tensor([0, 0, 1, 2, 2, 2, 1])
    weights = torch.tensor([0.2, 1.0, 5.0], dtype=torch.float64)
    assert torch.equal(cross_entropy(a, t, weights), torch.nn.CrossEntropyLoss(weights)(a, t))
    q = distributions(7, 3)
    by_hand = -(weights * q * F.log_softmax(a, 1)).sum() / (weights * q).sum()
    torch.testing.assert_close(cross_entropy(a, q, weights), by_hand)
    torch.testing.assert_close(cross_entropy(a, q), F.cross_entropy(a, q))


@pytest.mark.parametrize("name", LOSSES)
def test_weights_by_numpy_and_one_hot_rows_alike(name: str) -> None:
    a, t = logits(7, 3), torch.tensor([0, 0, 1, 2, 2, 2, 1])
    weights = torch.tensor([0.2, 1.0, 5.0], dtype=torch.float64)
    each = by_numpy(name, a.numpy(), np.eye(3)[t])
    expected = np.average(each, weights=weights.numpy()[t])
    assert float(LOSSES[name](a, t, weights)) == pytest.approx(expected, rel=1e-12)
    one_hot = torch.eye(3, dtype=torch.float64)[t]
    assert float(LOSSES[name](a, one_hot, weights)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("soft", [False, True], ids=["classes", "distributions"])
@every_loss
def test_parts_over_the_weight_of_the_whole_add_up(loss: Loss, soft: bool, weighted: bool) -> None:
    a, t = logits(7, 3).requires_grad_(), torch.tensor([0, 0, 1, 2, 2, 2, 1])
    targets = distributions(7, 3) if soft else t
    weights = torch.tensor([0.2, 1.0, 5.0], dtype=torch.float64) if weighted else None
    total = weight_of(targets, weights)
    whole = loss(a, targets, weights)
    parts = [loss(a[part], targets[part], weights, total=total) for part in (slice(0, 3), slice(3, 4), slice(4, 7))]
    torch.testing.assert_close(sum(parts), whole)
    one, other = (torch.autograd.grad(value, a)[0] for value in (whole, sum(parts)))
    torch.testing.assert_close(one, other)


def test_weight_by_hand() -> None:
    t, weights = torch.tensor([[0, 2], [1, -1]]), torch.tensor([0.5, 1.0, 4.0])
    mask = t >= 0
    assert float(weight_of(t.clamp(min=0))) == 4
    assert float(weight_of(t, mask=mask)) == 3
    assert float(weight_of(t, weights, mask)) == 5.5
    rows = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    assert float(weight_of(rows)) == 2
    assert float(weight_of(rows, weights)) == 0.75 + 4
    assert float(weight_of(rows, weights, torch.tensor([True, False]))) == 0.75
    assert float(weight_of(torch.randn(5))) == 5  # numbers to predict, one an example


def test_numbers_for_targets_make_it_a_regression() -> None:
    outputs, values = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [5.0]])
    assert float(squared_error(outputs, values)) == (1 + 4) / 4
    assert float(absolute_error(outputs, values)) == (1 + 2) / 2


def test_zero_one_counts() -> None:
    outputs = torch.tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
    assert int(zero_one(outputs, torch.tensor([1, 1, 1]))) == 1
    assert int(zero_one(outputs, torch.tensor([[0.3, 0.7], [0.9, 0.1], [0.8, 0.2]]))) == 1
    mask = torch.tensor([True, False, True])
    assert int(zero_one(outputs, torch.tensor([1, 1, 1]), mask)) == 0
    assert int(zero_one(outputs[None], torch.tensor([[0, 1, 0]]))) == 3


def test_squared_distance_by_scikit_learn() -> None:
    a, t = logits(9, 3), logits(9, 3, seed=1)
    assert float(squared_distance(a, t)) == pytest.approx(9 * mean_squared_error(t, a), rel=1e-12)
    sequence = squared_distance(a.reshape(3, 3, 3), t.reshape(3, 3, 3))
    assert float(sequence) == pytest.approx(9 * mean_squared_error(t, a), rel=1e-12)
    mask = torch.tensor([True, False, True] * 3)
    assert float(squared_distance(a, t, mask)) == pytest.approx(6 * mean_squared_error(t[mask], a[mask]), rel=1e-12)
    with pytest.raises(ShapeError, match="targets"):
        squared_distance(a, t[:, :2])


def test_of_standardised_targets_the_squared_distance_is_what_r2_leaves() -> None:
    a, t = logits(50, 2), logits(50, 2, seed=1)
    t = (t - t.mean(0)) / t.std(0, correction=0)
    assert float(squared_distance(a, t)) / 50 == pytest.approx(1 - r2_score(t, a), rel=1e-10)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"expected \(2,\), a class for each output.*got \(3,\)"):
        cross_entropy(torch.zeros(2, 3), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ShapeError, match=r"mask: expected \(2,\)"):
        cross_entropy(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64), mask=torch.ones(3, dtype=torch.bool))
    with pytest.raises(ShapeError, match="at least one"):
        cross_entropy(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64), mask=torch.zeros(2, dtype=torch.bool))
