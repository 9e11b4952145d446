import subprocess
import sys

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError
from neurarium.learning.fine_tuning import FineTuning


def parameters(count: int) -> list[nn.Parameter]:
    return [nn.Parameter(torch.full((1,), float(k))) for k in range(count)]


def test_a_net_without_a_backbone_learns_at_one_rate() -> None:
    every, extra = parameters(3), parameters(2)
    (group,) = FineTuning().groups({"all": every})
    assert group.factor == 1.0
    assert all(a is b for a, b in zip(group.parameters, every, strict=True))
    (joined,) = FineTuning().groups({"encoder": every, "decoder": extra})
    assert all(a is b for a, b in zip(joined.parameters, [*every, *extra], strict=True))


def test_backbone_and_head_at_two_rates() -> None:
    backbone, head = parameters(3), parameters(2)
    one, other = FineTuning(backbone_factor=0.1).groups({"head": head, "backbone": backbone})
    assert (one.factor, other.factor) == (0.1, 1.0)
    assert all(a is b for a, b in zip(one.parameters, backbone, strict=True))
    assert all(a is b for a, b in zip(other.parameters, head, strict=True))


def test_rates_fall_from_the_head_down() -> None:
    backbone, head = parameters(3), parameters(2)
    groups = FineTuning(backbone_factor=0.5, layer_decay=0.1).groups({"backbone": backbone, "head": head})
    assert [group.factor for group in groups] == pytest.approx([0.005, 0.05, 0.5, 1.0])
    assert [len(group.parameters) for group in groups] == [1, 1, 1, 2]
    assert all(group.parameters[0] is p for group, p in zip(groups, backbone, strict=False))


@pytest.mark.parametrize("settings", [{"freeze_epochs": 1}, {"backbone_factor": 0.5}, {"layer_decay": 0.9}])
def test_rates_of_a_backbone_that_there_is_not(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"fine_tuning: expected a net with a backbone .*--net.no-frozen"):
        FineTuning(**settings).groups({"all": parameters(1)})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"freeze_epochs": -1}, r"fine_tuning\.freeze_epochs: expected an integer >= 0"),
        ({"backbone_factor": 0.0}, r"fine_tuning\.backbone_factor: expected a number in \(0, 1\]"),
        ({"backbone_factor": 1.5}, r"fine_tuning\.backbone_factor"),
        ({"layer_decay": 0.0}, r"fine_tuning\.layer_decay"),
        ({"layer_decay": float("nan")}, r"fine_tuning\.layer_decay"),
    ],
)
def test_ranges(settings: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        FineTuning(**settings)


def test_settings_need_no_torch() -> None:
    code = (
        "import sys; from neurarium.learning.fine_tuning import FineTuning;"
        "FineTuning(1); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
