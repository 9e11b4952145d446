import numpy as np
import pytest
import torch
from torch import nn

from neurarium.checks import ShapeError
from neurarium.nets.parts.normalization.batch import BatchNorm, batch_moments, batch_norm
from neurarium.nets.parts.normalization.weight import weight_norm

DOUBLE = torch.float64


def test_outcome_has_mean_beta_and_standard_deviation_gamma() -> None:
    x = 7 + 3 * torch.randn(500, 4, dtype=DOUBLE)
    gamma, beta = torch.tensor([1.0, 2.0, 0.5, -3.0], dtype=DOUBLE), torch.tensor([0.0, 1.0, -2.0, 5.0], dtype=DOUBLE)
    y = batch_norm(x, gamma, beta, eps=0.0).numpy()
    np.testing.assert_allclose(y.mean(0), beta.numpy(), atol=1e-12)
    np.testing.assert_allclose(y.std(0), gamma.abs().numpy(), rtol=1e-12)


@pytest.mark.parametrize(("shape", "peer"), [((9, 5), nn.BatchNorm1d), ((4, 5, 3, 2), nn.BatchNorm2d)])
def test_function_and_module_equal_torch_in_value_gradient_and_running_statistics(
    shape: tuple[int, ...], peer: type[nn.Module]
) -> None:
    theirs, ours = peer(5).to(DOUBLE), BatchNorm(5).to(DOUBLE)
    for p in theirs.parameters():
        nn.init.normal_(p)
    ours.load_state_dict(theirs.state_dict())
    for _ in range(3):
        x = torch.randn(shape, dtype=DOUBLE, requires_grad=True)
        error_signal = torch.randn(shape, dtype=DOUBLE)
        expected = theirs(x)
        (gradient,) = torch.autograd.grad(expected, x, error_signal)
        for y in (ours(x), batch_norm(x, ours.weight, ours.bias)):
            torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-10)
            torch.testing.assert_close(torch.autograd.grad(y, x, error_signal)[0], gradient, rtol=1e-9, atol=1e-10)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), rtol=1e-12, atol=1e-12)
    running = (theirs.running_mean, theirs.running_var)
    torch.testing.assert_close(batch_norm(x, ours.weight, ours.bias, running), theirs(x), rtol=1e-12, atol=1e-12)


def test_running_statistics_after_k_batches_by_numpy() -> None:
    random = np.random.default_rng(0)
    batches = random.normal(3, 2, size=(6, 20, 3))
    norm = BatchNorm(3).to(DOUBLE)
    for batch in batches:
        norm(torch.from_numpy(batch))
    # unrolled: after k batches, batch i (from 1) weighs 0.1 * 0.9^(k-i), and the beginning 0.9^k
    weights = 0.1 * 0.9 ** np.arange(5, -1, -1)
    mean = weights @ batches.mean(1)
    variance = 0.9**6 + weights @ batches.var(1, ddof=1)
    np.testing.assert_allclose(norm.running_mean.numpy(), mean, rtol=1e-12)
    np.testing.assert_allclose(norm.running_var.numpy(), variance, rtol=1e-12)
    alone = norm.eval()(torch.from_numpy(batches[0, :1]))  # company matters no more, nor does its lack
    np.testing.assert_allclose(alone.detach().numpy(), (batches[0, :1] - mean) / np.sqrt(variance + 1e-5), rtol=1e-12)


def test_size_of_the_weights_and_bias_before_it_cancel() -> None:
    x, W = torch.randn(30, 6, dtype=DOUBLE), torch.randn(4, 6, dtype=DOUBLE)
    one, zero = torch.ones(4, dtype=DOUBLE), torch.zeros(4, dtype=DOUBLE)
    expected = batch_norm(x @ W.T, one, zero, eps=0.0)
    lengths = torch.tensor([0.1, 2.0, 30.0, 1e4], dtype=DOUBLE)
    changed = x @ (lengths[:, None] * W).T + torch.randn(4, dtype=DOUBLE)
    torch.testing.assert_close(batch_norm(changed, one, zero, eps=0.0), expected, rtol=1e-9, atol=1e-9)


def test_is_weight_normalization_times_a_ratio_of_lengths() -> None:
    # E59: with the covariance, also where the mean of x is far from zero
    x = 5 + torch.randn(200, 3, dtype=DOUBLE) @ torch.randn(3, 3, dtype=DOUBLE)
    W = torch.randn(4, 3, dtype=DOUBLE)
    gamma, beta = torch.randn(4, dtype=DOUBLE), torch.randn(4, dtype=DOUBLE)
    covariance = torch.from_numpy(np.cov(x.numpy().T, ddof=0))
    in_covariance = torch.einsum("oi,ij,oj->o", W, covariance, W).sqrt()
    ratio = W.norm(dim=1) / in_covariance
    expected = beta + ratio * ((x - x.mean(0)) @ weight_norm(W, gamma).T)
    torch.testing.assert_close(batch_norm(x @ W.T, gamma, beta, eps=0.0), expected, rtol=1e-10, atol=1e-10)
    # with E[x x^T], as printed, it would be another function
    second_moment = x.T @ x / len(x)
    printed = torch.einsum("oi,ij,oj->o", W, second_moment, W).sqrt()
    assert (printed / in_covariance - 1).abs().max() > 0.1


def test_moments_run_over_positions_too() -> None:
    x = np.random.default_rng(1).normal(size=(3, 2, 4, 5))
    mean, variance = batch_moments(torch.from_numpy(x))
    np.testing.assert_allclose(mean.numpy(), x.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(variance.numpy(), x.var((0, 2, 3)), rtol=1e-12)


def test_errors_say_what_to_do() -> None:
    with pytest.raises(ShapeError, match=r"expected \(batch, 3, \*positions\), got a tensor of shape \(2, 4\)"):
        BatchNorm(3)(torch.zeros(2, 4))
    with pytest.raises(ShapeError, match="more than one example while training, got one; choose a batch size"):
        BatchNorm(3)(torch.zeros(1, 3))
    assert BatchNorm(3).eval()(torch.zeros(1, 3)).shape == (1, 3)
