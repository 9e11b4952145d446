import pytest
import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.specs import LeNet5Spec, LeNet1998Spec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.parts.features import LinearProbe, Rescaled, chain_layers, truncate
from neurarium.nets.parts.groups import groups_of
from neurarium.record.schema import image_schema

SHAPE = (1, 28, 28)


class Residual(nn.Module):
    """x + f(g(x)): a chain from which other paths lead on."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


def x(count: int = 3, *shape: int) -> Tensor:
    return torch.randn(count, *(shape or SHAPE), generator=torch.Generator().manual_seed(5))


def test_features_of_an_mlp_by_hand() -> None:
    net = MLPSpec(hidden=(20, 6, 20)).build(image_schema(SHAPE, 10))
    trunk, width = truncate(net, "relu2", SHAPE)
    first, second = net.layers.linear1, net.layers.linear2
    hidden = (x().flatten(1) @ first.weight.T + first.bias).clamp(min=0)
    by_hand = (hidden @ second.weight.T + second.bias).clamp(min=0)
    torch.testing.assert_close(trunk(x()), by_hand)
    assert width == 6
    assert sum(p.numel() for p in trunk.parameters()) == 784 * 20 + 20 + 20 * 6 + 6


@pytest.mark.parametrize("spec", [LeNet5Spec(), LeNet1998Spec(), MLPSpec(dropout=0.5)])
def test_every_layer_of_a_chain_gives_what_a_hook_sees(spec: LeNet5Spec) -> None:
    net = spec.build(image_schema(SHAPE, 10)).eval()
    for name in chain_layers(net):
        seen: list[Tensor] = []
        hook = net.get_submodule(name).register_forward_hook(lambda m, i, o, seen=seen: seen.append(o.clone()))
        net(x())
        hook.remove()
        trunk, width = truncate(net, name, SHAPE)
        assert torch.equal(trunk(x()), seen[0].flatten(1))
        assert width == seen[0][0].numel()
        assert torch.equal(truncate(net, name.rpartition(".")[2], SHAPE)[0](x()), seen[0].flatten(1))


def test_the_net_stays_as_it_is() -> None:
    net = MLPSpec(dropout=0.5).build(image_schema(SHAPE, 10)).train()
    before, state = net.layers, {name: t.clone() for name, t in net.state_dict().items()}
    generator = torch.get_rng_state()
    trunk, _ = truncate(net, "relu1", SHAPE)
    trunk.layers.linear1.weight.data.zero_()
    assert net.layers is before
    assert all(torch.equal(t, state[name]) for name, t in net.state_dict().items())
    assert all(module.training for module in net.modules())
    assert torch.equal(torch.get_rng_state(), generator)


def test_without_a_name_what_the_last_layer_sees() -> None:
    net = LeNet5Spec().build(image_schema(SHAPE, 10)).eval()
    trunk, width = truncate(net, "", SHAPE)
    assert width == 84
    torch.testing.assert_close(net.layers.output(trunk(x())), net(x()))


def test_chains_within_chains() -> None:
    net = nn.Sequential(nn.Linear(5, 4), nn.Sequential(nn.Linear(4, 3), nn.Tanh()), nn.Linear(3, 2))
    trunk, width = truncate(net, "1.0", (5,))
    assert width == 3
    torch.testing.assert_close(trunk(x(2, 5)), net[1][0](net[0](x(2, 5))))


def test_unknown_layer_names_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"net\.layer: .*relu2.*got 'rlu2'; did you mean relu2"):
        truncate(MLPSpec().build(image_schema(SHAPE, 10)), "rlu2", SHAPE)


def test_layer_from_which_other_paths_lead_on() -> None:
    net = nn.Sequential(Residual(), nn.Linear(4, 2))
    assert truncate(net, "0", (4,))[1] == 4
    with pytest.raises(ConfigError, match="from which other paths lead on"):
        truncate(net, "0.inner.1", (4,))


def test_net_without_a_chain() -> None:
    with pytest.raises(ConfigError, match="layers in a chain"):
        truncate(nn.Linear(4, 2), "weight", (4,))


def deep_trunk() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))


def test_only_the_classifier_learns_on_a_frozen_trunk() -> None:
    trunk = deep_trunk()
    net = LinearProbe(trunk, 8, 3).train()
    statistics = trunk[2].running_mean.clone()
    loss = net(x()).square().sum()
    loss.backward()
    assert [name for name, p in net.named_parameters() if p.grad is not None] == ["output.weight", "output.bias"]
    assert [name for name, p in net.named_parameters() if p.requires_grad] == ["output.weight", "output.bias"]
    assert torch.equal(trunk[2].running_mean, statistics)
    assert torch.equal(net(x()), net.eval()(x()))
    groups = net.groups()
    assert list(groups) == ["head"]
    assert [id(p) for p in groups["head"]] == [id(net.output.weight), id(net.output.bias)]


def test_a_trunk_that_is_not_frozen_learns_too() -> None:
    trunk = deep_trunk().requires_grad_(False).eval()
    net = LinearProbe(trunk, 8, 3, frozen=False)
    assert all(module.training for module in net.modules())
    statistics = trunk[2].running_mean.clone()
    net(x()).square().sum().backward()
    assert all(p.grad is not None and p.requires_grad for p in net.parameters())
    assert not torch.equal(trunk[2].running_mean, statistics)
    assert not any(module.training for module in net.eval().modules())
    assert all(module.training for module in net.train().modules())
    groups = groups_of(net)
    assert list(groups) == ["backbone", "head"]
    wanted = [trunk[1].weight, trunk[1].bias, trunk[2].weight, trunk[2].bias]
    assert [id(p) for p in groups["backbone"]] == [id(p) for p in wanted]
    trunk[1].requires_grad_(False)
    assert [id(p) for p in net.groups()["backbone"]] == [id(p) for p in wanted[2:]]


@pytest.mark.parametrize("frozen", [True, False])
def test_the_trunk_is_saved_under_the_same_names(frozen: bool) -> None:
    net = LinearProbe(nn.Linear(4, 2), 2, 3, frozen)
    assert list(net.state_dict()) == ["trunk.weight", "trunk.bias", "output.weight", "output.bias"]


def test_rescaled_sees_its_own_units() -> None:
    net = nn.Flatten()
    factor, shift = torch.tensor([2.0, 3.0]).view(2, 1, 1), torch.tensor([1.0, -1.0]).view(2, 1, 1)
    given = x(4, 2, 3, 3)
    expected = torch.stack([given[:, 0] * 2 + 1, given[:, 1] * 3 - 1], 1).flatten(1)
    torch.testing.assert_close(Rescaled(net, factor, shift)(given), expected)
