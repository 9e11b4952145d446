import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.feedforward.random_features import RandomFeatureModel
from neurarium.nets.feedforward.regression import LinearModel, LogisticModel, log_odds
from neurarium.nets.feedforward.regression_specs import LinearSpec, LogisticSpec, RandomFeaturesSpec
from neurarium.nets.interfaces import LinearInParameters
from neurarium.record.schema import image_schema


def test_linear_model_is_the_affine_map() -> None:
    net = LinearModel(6, 3)
    x = torch.randn(4, 2, 3)
    by_numpy = x.numpy().reshape(4, 6) @ net.head.weight.detach().numpy().T + net.head.bias.detach().numpy()
    np.testing.assert_allclose(net(x).detach().numpy(), by_numpy, rtol=1e-5, atol=1e-6)


def test_two_classes_are_logistic_regression() -> None:
    """Cross-entropy of the outputs is -log sigmoid((2y - 1)(w x + b)), the notes' loss, its gradient (p - y) x."""
    net, x, y = LogisticModel(3, 2), torch.randn(8, 3), torch.tensor([0, 1, 1, 0, 1, 0, 0, 1])
    score = (x @ net.head.weight.T + net.head.bias)[:, 0].detach()
    loss = F.cross_entropy(net(x), y)
    torch.testing.assert_close(loss, -F.logsigmoid((2 * y - 1) * score).mean())
    loss.backward()
    p = 1 / (1 + np.exp(-score.numpy()))
    by_hand = (p - y.numpy()) @ x.numpy() / 8
    np.testing.assert_allclose(net.head.weight.grad[0], by_hand, rtol=1e-4, atol=1e-6)
    assert sum(p.numel() for p in net.parameters()) == 4


def test_log_odds_of_one_two_five() -> None:
    odds = torch.tensor([[np.log(2.0), np.log(5.0)]])
    np.testing.assert_allclose(log_odds(odds).softmax(1), [[1 / 8, 2 / 8, 5 / 8]], rtol=1e-6)


@pytest.mark.parametrize("net", [LinearModel(4, 3), LogisticModel(4, 3), RandomFeatureModel(4, 9, 3)])
def test_answers_follow_from_features_and_head(net: nn.Module) -> None:
    assert isinstance(net, LinearInParameters)
    x = torch.randn(5, 4)
    torch.testing.assert_close(net.outputs(net.head(net.features(x))), net(x))
    assert [name for name, _ in net.named_parameters()] == ["head.weight", "head.bias"]


def test_specs_build_their_nets() -> None:
    assert isinstance(LinearSpec().build(image_schema((1, 4, 4), 3)), LinearModel)
    assert LogisticSpec().build(image_schema((13,), 2)).head.weight.shape == (1, 13)
    net = RandomFeaturesSpec(features=50, unit="fourier", width=2.0).build(image_schema((1, 4, 4), 3))
    assert net(torch.zeros(2, 1, 4, 4)).shape == (2, 3)
    assert net.inner.weight.shape == (50, 16)


def test_bad_shapes_are_named() -> None:
    with pytest.raises(ShapeError, match=r"layer head: expected .* 4 numbers each, got .*\(2, 5\)"):
        LinearModel(4, 1)(torch.zeros(2, 5))
    with pytest.raises(ConfigError, match="two classes or more"):
        LogisticModel(4, 1)
    with pytest.raises(ConfigError, match="affine layer"):
        LinearModel(0, 1)
