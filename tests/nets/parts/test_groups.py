import pytest
import torch
from torch import nn

from neurarium.nets.parts.groups import Grouped, groups_of, trainable


class Halves(Grouped):
    def __init__(self) -> None:
        super().__init__()
        self.second, self.first = nn.Linear(3, 2), nn.Linear(4, 3)

    def groups(self) -> dict[str, list[nn.Parameter]]:
        return {"below": trainable(self.first), "above": trainable(self.second)}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x))


def test_a_net_says_its_groups() -> None:
    net = Halves()
    assert groups_of(net).keys() == {"below", "above"}
    assert [p is q for p, q in zip(groups_of(net)["below"], net.first.parameters(), strict=True)] == [True, True]


def test_any_other_net_has_one_group_of_what_it_learns_in_its_order() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3).requires_grad_(False), nn.Linear(3, 2))
    groups = groups_of(net)
    assert list(groups) == ["all"]
    wanted = [net[0].weight, net[0].bias, net[2].weight, net[2].bias]
    assert [id(p) for p in groups["all"]] == [id(p) for p in wanted]


def test_groups_must_be_said() -> None:
    class Silent(Grouped):
        pass

    with pytest.raises(TypeError, match="groups"):
        Silent()
