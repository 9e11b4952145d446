import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.densenet import DenseBlock, DenseNet
from neurarium.nets.parts.normalization.batch import BatchNorm


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def _by_hand(depth: int, bottleneck: bool, channels: int, outputs: int, k: int = 12) -> int:
    """Weights of a small form, layer by layer."""
    maps = 2 * k if bottleneck else 16
    total = 9 * channels * maps
    for block in range(3):
        if block:
            total += 2 * maps + maps * (maps // 2 if bottleneck else maps)
            maps = maps // 2 if bottleneck else maps
        for _ in range((depth - 4) // (6 if bottleneck else 3)):
            total += 2 * maps + maps * 4 * k + 8 * k + 9 * 4 * k * k if bottleneck else 2 * maps + 9 * maps * k
            maps += k
    return total + 2 * maps + (maps + 1) * outputs


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize("depth", [40, 100])
def test_parameters_of_small_forms(depth: int, bottleneck: bool) -> None:
    with torch.device("meta"):
        net = DenseNet(depth, outputs=10, bottleneck=bottleneck)
    assert count(net) == _by_hand(depth, bottleneck, 3, 10)
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in net.modules()) == depth


def test_published_sizes() -> None:
    million = {(40, False): 1.0, (100, False): 7.0, (100, True): 0.8}  # table 2 of the paper
    for (depth, bottleneck), size in million.items():
        assert round(_by_hand(depth, bottleneck, 3, 10) / 1e6, 1) == pytest.approx(size, abs=0.1)
    large = {121: 7_978_856, 169: 14_149_480, 201: 20_013_928}
    with torch.device("meta"):
        assert {depth: count(DenseNet(depth)) for depth in large} == large


def _normal(x: Tensor) -> Tensor:
    return (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()


@pytest.mark.parametrize("bottleneck", [False, True])
def test_the_small_form_written_out(bottleneck: bool) -> None:
    torch.manual_seed(0)
    net = DenseNet(40, channels=2, outputs=3, growth=2, bottleneck=bottleneck).double()
    weights = iter([m.weight for m in net.modules() if isinstance(m, nn.Conv2d)])
    x = torch.randn(3, 2, 12, 9, dtype=torch.float64)
    y = F.conv2d(x, next(weights), padding=1)
    for block in range(3):
        if block:
            y = F.avg_pool2d(F.conv2d(_normal(y).relu(), next(weights)), 2)
        for _ in range(6 if bottleneck else 12):
            h = F.conv2d(_normal(y).relu(), next(weights), padding=0 if bottleneck else 1)
            if bottleneck:
                h = F.conv2d(_normal(h).relu(), next(weights), padding=1)
            assert h.shape[1] == 2
            y = torch.cat([y, h], 1)
    assert next(weights, None) is None
    torch.testing.assert_close(net(x), net.output(_normal(y).relu().mean((2, 3))))


def _twins(bottleneck: bool, dropout: float = 0.0) -> tuple[DenseNet, DenseNet]:
    plain, saving = (
        DenseNet(40, 1, outputs=4, growth=4, bottleneck=bottleneck, dropout=dropout, recompute=recompute)
        for recompute in (False, True)
    )
    saving.load_state_dict(plain.state_dict())
    return plain, saving


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("bottleneck", [False, True])
def test_recomputing_changes_no_gradient_and_no_statistics(bottleneck: bool, dropout: float) -> None:
    torch.manual_seed(0)
    nets = _twins(bottleneck, dropout)
    x, y = torch.randn(4, 1, 16, 16), torch.tensor([0, 1, 2, 3])
    for step in range(2):
        losses = []
        for net in nets:
            torch.manual_seed(step)  # of dropout
            net.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            losses.append(loss)
        assert torch.equal(*losses)
        for own, other in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
            assert own.grad is not None
            assert other.grad is not None
            torch.testing.assert_close(own.grad, other.grad)
    for (name, own), other in zip(nets[0].named_buffers(), nets[1].buffers(), strict=True):
        assert torch.equal(own, other), name
    assert nets[1].stages.stage1.block.layer1.inner.norm1.num_batches_tracked == 2


def test_recomputing_in_evaluation() -> None:
    torch.manual_seed(0)
    plain, saving = (net.eval() for net in _twins(bottleneck=True))
    x = torch.randn(2, 1, 16, 16, requires_grad=True)
    expected, got = (torch.autograd.grad(net(x).square().sum(), x)[0] for net in (plain, saving))
    assert torch.equal(expected, got)
    with torch.no_grad():
        assert torch.equal(plain(x), saving(x))
    norms = [m for m in saving.modules() if isinstance(m, BatchNorm)]
    assert all(m.momentum == 0.1 and m.num_batches_tracked == 0 for m in norms)


@pytest.mark.parametrize("bottleneck", [False, True])
def test_recomputing_keeps_less_than_half(bottleneck: bool) -> None:
    kept = []
    for recompute in (False, True):
        net = DenseNet(40, 1, outputs=4, bottleneck=bottleneck, recompute=recompute)
        storages: dict[int, int] = {}
        weights = {p.untyped_storage().data_ptr() for p in net.parameters()}

        def keep(tensor: Tensor, storages: dict[int, int] = storages, weights: set[int] = weights) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                storages[storage.data_ptr()] = storage.nbytes()
            return tensor

        with saved_tensors_hooks(keep, lambda tensor: tensor):
            # A checkpoint keeps its inputs out of sight of these hooks: they are the maps that the layers make.
            made: list[Tensor] = []
            for layer in [layer for block in net.modules() if isinstance(block, DenseBlock) for layer in block]:
                layer.register_forward_hook(lambda _m, _i, out, made=made: made.append(out))
            logits = net(torch.randn(2, 1, 28, 28))
        for tensor in made:
            keep(tensor)
        assert logits.requires_grad
        kept.append(sum(storages.values()))
    assert kept[1] < 0.5 * kept[0]


def test_wrong_settings() -> None:
    with pytest.raises(ConfigError, match=r"depth: expected one of 40, 100 .*, got 41"):
        DenseNet(41)
    with pytest.raises(ConfigError, match="bottleneck: expected true for depth 121"):
        DenseNet(121, bottleneck=False)
    with pytest.raises(ConfigError, match="growth"):
        DenseNet(40, growth=0)
    with pytest.raises(ConfigError, match="dropout"):
        DenseNet(40, dropout=1.0)
