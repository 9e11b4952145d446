import numpy as np
import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.geometric.pointnet import PointNet, off_orthogonal
from neurarium.nets.geometric.specs import PointNetSpec
from neurarium.nets.penalty import WithPenalty
from neurarium.record.schema import Field, Schema

COUNTS = (6, 3, 9)


@pytest.fixture
def net() -> PointNet:
    torch.manual_seed(0)
    net = PointNet(parts=4, width=5, whole=6, penalty=0.5).double().eval()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.3)
        net.tnet.output.weight.normal_(std=0.3)
        net.tnet.output.bias.add_(torch.eye(3).flatten())
    return net


def sets(filling: float = 0.0, longest: int = 9) -> tuple[torch.Tensor, torch.Tensor, list[np.ndarray]]:
    each = [np.random.default_rng(k).normal(size=(n, 3)) for k, n in enumerate(COUNTS)]
    x = torch.full((3, longest, 3), filling, dtype=torch.float64)
    for k, one in enumerate(each):
        x[k, : len(one)] = torch.from_numpy(one)
    return x, torch.tensor(COUNTS), each


def through(layers: nn.Sequential, x: np.ndarray) -> np.ndarray:
    for layer in layers:
        if isinstance(layer, nn.Linear):
            x = np.maximum(0, layer.weight.detach().numpy() @ x + layer.bias.detach().numpy())
    return x


def affine(layer: nn.Linear, x: np.ndarray) -> np.ndarray:
    return layer.weight.detach().numpy() @ x + layer.bias.detach().numpy()


def matrix(net: PointNet, points: np.ndarray) -> np.ndarray:
    pooled = np.max([through(net.tnet.points, point) for point in points], axis=0)
    return affine(net.tnet.output, through(net.tnet.whole, pooled)).reshape(3, 3)


def test_equals_loops_over_the_points(net: PointNet) -> None:
    x, counts, each = sets()
    got = net(x, counts).detach().numpy()
    for said, points in zip(got, each, strict=True):
        local = [through(net.local, point @ matrix(net, points)) for point in points]
        whole = np.max([through(net.whole, one) for one in local], axis=0)
        for answer, one in zip(said, local, strict=False):
            expected = affine(net.output, through(net.head, np.concatenate([one, whole])))
            np.testing.assert_allclose(answer, expected, rtol=1e-10)


def test_penalty_comes_in_training_alone_and_is_that_of_the_matrices(net: PointNet) -> None:
    x, counts, each = sets()
    assert isinstance(net(x, counts), torch.Tensor)
    answer = net.train()(x, counts)
    assert isinstance(answer, WithPenalty)
    torch.testing.assert_close(answer.outputs, net.eval()(x, counts))
    for got, points in zip(answer.penalty.tolist(), each, strict=True):
        a = matrix(net, points)
        assert got == pytest.approx(0.5 * np.linalg.norm(np.eye(3) - a @ a.T, "fro") ** 2, rel=1e-10)


def test_a_turn_costs_nothing() -> None:
    turns = torch.linalg.qr(torch.randn(5, 3, 3, dtype=torch.float64)).Q
    assert off_orthogonal(turns).abs().max() < 1e-25
    assert off_orthogonal(2 * torch.eye(3)[None]).tolist() == [27.0]


def test_points_begin_as_they_are() -> None:
    torch.manual_seed(0)
    net = PointNetSpec().build(PointNetSpec.example())
    assert isinstance(net, PointNet)
    x, counts, _ = sets()
    assert (net.tnet(x.float(), counts) - torch.eye(3)).abs().max() < 0.01


def test_neither_padding_nor_order_changes_anything(net: PointNet) -> None:
    x, counts, _ = sets()
    expected = net(x, counts)
    for filling, longest in ((100.0, 9), (-3.0, 14)):
        got = net(sets(filling, longest)[0], counts)
        for k, count in enumerate(COUNTS):
            torch.testing.assert_close(got[k, :count], expected[k, :count], rtol=1e-11, atol=1e-11)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    mixed = x.clone()
    mixed[2] = x[2, order]
    torch.testing.assert_close(net(mixed, counts)[2], expected[2, order], rtol=1e-11, atol=1e-11)


def test_what_does_not_fit_is_refused(net: PointNet) -> None:
    with pytest.raises(ShapeError, match=r"layer tnet: expected a tensor of shape \(batch, points, 3\)"):
        net(torch.zeros(2, 5, 2), torch.tensor([5, 5]))
    for spec, name in (({"width": 0}, "width"), ({"whole": 1}, "whole"), ({"penalty": -1.0}, "penalty")):
        with pytest.raises(ConfigError, match=rf"net\.{name}"):
            PointNetSpec(**spec)
    points, part = Field((None, 3), axis="points"), Field((None,), ("a", "b"), axis="points")
    with pytest.raises(ShapeError, match=r"pointnet input: expected sets of points in space"):
        PointNetSpec().build(Schema({"points": Field((None, 2), axis="points")}, {"part": part}))
    with pytest.raises(ShapeError, match=r"target: expected a part for each point, .* got one"):
        PointNetSpec().build(Schema({"points": points}, {"kind": Field((), ("a", "b"))}))
