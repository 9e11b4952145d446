import pytest
import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.weights.loading import load_weights


@pytest.fixture
def net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))


def other_weights() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)).state_dict()


def test_all_are_copied_into_the_nets_dtype(net: nn.Sequential) -> None:
    weights = {name: x.double() if x.is_floating_point() else x for name, x in other_weights().items()}
    load_weights(net, weights)
    assert all(torch.equal(x, weights[name].to(x)) for name, x in net.state_dict().items())
    assert net[0].weight.dtype == torch.float32
    assert net[0].weight.requires_grad


def test_counters_may_be_missing(net: nn.Sequential) -> None:
    weights = other_weights()
    del weights["1.num_batches_tracked"]
    load_weights(net, weights)
    assert torch.equal(net[3].weight, weights["3.weight"])


def test_missing_and_left_over_names_and_the_net_untouched(net: nn.Sequential) -> None:
    before = {name: x.clone() for name, x in net.state_dict().items()}
    weights = other_weights()
    weights["3.weights"] = weights.pop("3.weight")
    weights["head.bias"] = torch.ones(3)
    with pytest.raises(ConfigError) as caught:
        load_weights(net, weights, "vgg.pth")
    message = str(caught.value)
    assert message.startswith("vgg.pth: expected a tensor for each of the 9 names of Sequential, got none for 3.weight")
    assert "3.weights, head.bias left over" in message
    assert "did you mean 3.weights?" in message
    assert all(torch.equal(x, before[name]) for name, x in net.state_dict().items())


def test_another_size_names_the_layer(net: nn.Sequential) -> None:
    before = net[0].weight.clone()
    weights = other_weights() | {"3.weight": torch.ones(10, 8)}
    with pytest.raises(ShapeError, match=r"weights, 3\.weight: expected \(3, 8\), got \(10, 8\)"):
        load_weights(net, weights)
    assert torch.equal(net[0].weight, before)
