import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent.pooled_series import PooledSeries
from neurarium.nets.recurrent.specs import PooledSeriesSpec
from neurarium.record.schema import Field, Schema


@pytest.fixture
def net() -> PooledSeries:
    torch.manual_seed(0)
    net = PooledSeries(3, 5, 4).double()
    for layer in (net.linear1, net.linear2, net.output):
        torch.nn.init.normal_(layer.bias)
    return net


def batch(filling: float = 0.0, longest: int = 7) -> tuple[torch.Tensor, torch.Tensor, list[np.ndarray]]:
    series = [np.random.default_rng(k).normal(size=(n, 3)) for k, n in enumerate((4, 7, 1))]
    x = torch.full((3, longest, 3), filling, dtype=torch.float64)
    for k, one in enumerate(series):
        x[k, : len(one)] = torch.from_numpy(one)
    return x, torch.tensor([4, 7, 1]), series


def test_equals_a_loop_over_the_steps(net: PooledSeries) -> None:
    x, lengths, series = batch()
    w = {name: p.detach().numpy() for name, p in net.named_parameters()}
    for got, one in zip(net(x, lengths).detach(), series, strict=True):
        steps = []
        for step in one:
            first = np.maximum(0, w["linear1.weight"] @ step + w["linear1.bias"])
            steps.append(np.maximum(0, w["linear2.weight"] @ first + w["linear2.bias"]))
        pooled = np.concatenate([sum(steps) / len(steps), np.max(steps, axis=0)])
        np.testing.assert_allclose(got, w["output.weight"] @ pooled + w["output.bias"], rtol=1e-12)


def test_neither_padding_nor_order_changes_anything(net: PooledSeries) -> None:
    x, lengths, _ = batch()
    expected = net(x, lengths)
    for filling, longest in ((1e3, 7), (float("inf"), 7), (-5.0, 12)):
        torch.testing.assert_close(net(batch(filling, longest)[0], lengths), expected, rtol=1e-12, atol=1e-12)
    turned = x.clone()
    turned[1] = x[1].flip(0)
    torch.testing.assert_close(net(turned, lengths), expected, rtol=1e-12, atol=1e-12)


def test_dropout_while_training_alone() -> None:
    net, (x, lengths, _) = PooledSeries(3, 50, 4, dropout=0.5).double(), batch()
    assert not torch.equal(net(x, lengths), net(x, lengths))
    net.eval()
    assert torch.equal(net(x, lengths), net(x, lengths))


def test_predicts_numbers_too() -> None:
    schema = Schema({"series": Field((None, 3), axis="time")}, {"y": Field((2,))})
    net = PooledSeriesSpec(hidden=5).build(schema)
    assert net(torch.zeros(2, 6, 3), torch.tensor([6, 2])).shape == (2, 2)


def test_what_does_not_fit_is_refused(net: PooledSeries) -> None:
    with pytest.raises(ShapeError, match=r"linear1: expected a tensor of shape \(batch, time, 3\)"):
        net(torch.zeros(2, 5, 4), torch.tensor([5, 5]))
    with pytest.raises(ConfigError, match=r"net\.hidden"):
        PooledSeriesSpec(hidden=0)
    with pytest.raises(ConfigError, match=r"net\.dropout"):
        PooledSeriesSpec(dropout=1.0)
    label = {"label": Field((), ("a", "b"))}
    for inputs in (
        {"x": Field((12,))},
        {"x": Field((3, None), axis="time")},
        {"x": Field((None,), ("a", "b"), axis="tokens")},
        {"x": Field((None, 2), axis="time"), "z": Field((1,))},
    ):
        with pytest.raises(ShapeError, match=r"pooled-series input: expected one series of numbers"):
            PooledSeriesSpec().build(Schema(inputs, label))
