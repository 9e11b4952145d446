import pytest
import torch
import torch.nn.functional as F

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.alexnet import AlexNet, SmallAlexNet
from neurarium.nets.summary import summarize


def test_parameters_and_sizes_of_the_large_form() -> None:
    with torch.device("meta"):
        summary = summarize(AlexNet(), (3, 224, 224))
    by_hand = (
        64 * (3 * 121 + 1)
        + 192 * (64 * 25 + 1)
        + 384 * (192 * 9 + 1)
        + 256 * (384 * 9 + 1)
        + 256 * (256 * 9 + 1)
        + 4096 * (256 * 36 + 1)
        + 4096 * 4097
        + 1000 * 4097
    )
    assert summary.parameters == by_hand == 61_100_840
    sizes = {row.name.rpartition(".")[2]: row.output for row in summary.rows}
    assert sizes["conv1"] == (64, 55, 55)
    assert sizes["pool1"] == (64, 27, 27)
    assert sizes["pool2"] == (192, 13, 13)
    assert sizes["conv4"] == (256, 13, 13)
    assert sizes["pool5"] == (256, 6, 6)


@pytest.mark.parametrize("side", [28, 32])
def test_the_small_form_written_out(side: int) -> None:
    torch.manual_seed(0)
    net = SmallAlexNet(channels=2, outputs=4, width=8).double().eval()
    w = {name.split(".", 2)[2] if "stages" in name else name: p for name, p in net.named_parameters()}
    assert [len(w[f"conv{l}.weight"]) for l in range(1, 6)] == [8, 24, 48, 32, 32]
    x = torch.randn(3, 2, side, side, dtype=torch.float64)
    y = F.max_pool2d(F.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding=2).relu(), 3, 2)
    y = F.max_pool2d(F.conv2d(y, w["conv2.weight"], w["conv2.bias"], padding=2).relu(), 3, 2)
    for l in (3, 4, 5):
        y = F.conv2d(y, w[f"conv{l}.weight"], w[f"conv{l}.bias"], padding=1).relu()
    y = F.max_pool2d(y, 3, 2)
    if side == 32:  # 3 x 3 maps, averaged to 2 x 2
        y = F.avg_pool2d(y, 2, 1)
    y = y.flatten(1)
    for l in (6, 7):
        y = (y @ w[f"head.linear{l}.weight"].T + w[f"head.linear{l}.bias"]).relu()
    torch.testing.assert_close(net(x), y @ w["head.output.weight"].T + w["head.output.bias"])


def test_half_is_dropped_while_training_only() -> None:
    torch.manual_seed(0)
    net, x = SmallAlexNet(), torch.randn(2, 1, 28, 28)
    assert not torch.equal(net.train()(x), net(x))
    assert torch.equal(net.eval()(x), net(x))
    kept: list[float] = []
    net.head.dropout6.register_forward_hook(lambda _m, i, out: kept.append((out[i[0] > 0] > 0).float().mean().item()))
    net.train()(torch.randn(64, 1, 28, 28))
    assert kept[0] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_a_probability_out_of_range(dropout: float) -> None:
    with pytest.raises(ConfigError, match="dropout"):
        SmallAlexNet(dropout=dropout)


def test_no_maps() -> None:
    with pytest.raises(ConfigError, match="width: expected a number of maps >= 1, got 0"):
        SmallAlexNet(width=0)
