import pytest
import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.specs import LeNet5Spec, LeNet1998Spec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.parts.features import Features, Rescaled, chain_layers, cut

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
    net = MLPSpec(hidden=(20, 6, 20)).build(SHAPE, 10)
    trunk, width = cut(net, "relu2", SHAPE)
    first, second = net.layers.linear1, net.layers.linear2
    hidden = (x().flatten(1) @ first.weight.T + first.bias).clamp(min=0)
    by_hand = (hidden @ second.weight.T + second.bias).clamp(min=0)
    torch.testing.assert_close(trunk(x()), by_hand)
    assert width == 6
    assert sum(p.numel() for p in trunk.parameters()) == 784 * 20 + 20 + 20 * 6 + 6


@pytest.mark.parametrize("spec", [LeNet5Spec(), LeNet1998Spec(), MLPSpec(dropout=0.5)])
def test_every_layer_of_a_chain_gives_what_a_hook_sees(spec: LeNet5Spec) -> None:
    net = spec.build(SHAPE, 10).eval()
    for name in chain_layers(net):
        seen: list[Tensor] = []
        hook = net.get_submodule(name).register_forward_hook(lambda m, i, o, seen=seen: seen.append(o.clone()))
        net(x())
        hook.remove()
        trunk, width = cut(net, name, SHAPE)
        assert torch.equal(trunk(x()), seen[0].flatten(1))
        assert width == seen[0][0].numel()
        assert torch.equal(cut(net, name.rpartition(".")[2], SHAPE)[0](x()), seen[0].flatten(1))


def test_the_net_stays_as_it_is() -> None:
    net = MLPSpec(dropout=0.5).build(SHAPE, 10).train()
    before, state = net.layers, {name: t.clone() for name, t in net.state_dict().items()}
    generator = torch.get_rng_state()
    trunk, _ = cut(net, "relu1", SHAPE)
    trunk.layers.linear1.weight.data.zero_()
    assert net.layers is before
    assert all(torch.equal(t, state[name]) for name, t in net.state_dict().items())
    assert all(module.training for module in net.modules())
    assert torch.equal(torch.get_rng_state(), generator)


def test_without_a_name_what_the_last_layer_sees() -> None:
    net = LeNet5Spec().build(SHAPE, 10).eval()
    trunk, width = cut(net, "", SHAPE)
    assert width == 84
    torch.testing.assert_close(net.layers.output(trunk(x())), net(x()))


def test_chains_within_chains() -> None:
    net = nn.Sequential(nn.Linear(5, 4), nn.Sequential(nn.Linear(4, 3), nn.Tanh()), nn.Linear(3, 2))
    trunk, width = cut(net, "1.0", (5,))
    assert width == 3
    torch.testing.assert_close(trunk(x(2, 5)), net[1][0](net[0](x(2, 5))))


def test_unknown_layer_names_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"net\.layer: .*relu2.*got 'rlu2'; did you mean relu2"):
        cut(MLPSpec().build(SHAPE, 10), "rlu2", SHAPE)


def test_layer_from_which_other_paths_lead_on() -> None:
    net = nn.Sequential(Residual(), nn.Linear(4, 2))
    assert cut(net, "0", (4,))[1] == 4
    with pytest.raises(ConfigError, match="from which other paths lead on"):
        cut(net, "0.inner.1", (4,))


def test_net_without_a_chain() -> None:
    with pytest.raises(ConfigError, match="layers in a chain"):
        cut(nn.Linear(4, 2), "weight", (4,))


def test_only_the_classifier_learns() -> None:
    trunk = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
    net = Features(trunk, 8, 3).train()
    statistics = trunk[2].running_mean.clone()
    loss = net(x()).square().sum()
    loss.backward()
    assert [name for name, p in net.named_parameters() if p.grad is not None] == ["output.weight", "output.bias"]
    assert [name for name, p in net.named_parameters() if p.requires_grad] == ["output.weight", "output.bias"]
    assert torch.equal(trunk[2].running_mean, statistics)
    assert torch.equal(net(x()), net.eval()(x()))


def test_rescaled_sees_its_own_units() -> None:
    net = nn.Flatten()
    factor, shift = torch.tensor([2.0, 3.0]).view(2, 1, 1), torch.tensor([1.0, -1.0]).view(2, 1, 1)
    given = x(4, 2, 3, 3)
    expected = torch.stack([given[:, 0] * 2 + 1, given[:, 1] * 3 - 1], 1).flatten(1)
    torch.testing.assert_close(Rescaled(net, factor, shift)(given), expected)
