import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from neurarium.nets.convolutional.densenet import DenseNet
from neurarium.nets.convolutional.folding import fold_batch_norm
from neurarium.nets.convolutional.in_place import rectify_in_place_
from neurarium.nets.convolutional.resnet import ResidualBlock, ResNet
from neurarium.nets.convolutional.vgg import SmallVGG
from neurarium.nets.parts.normalization.batch import BatchNorm


def rectifiers(net: nn.Module) -> dict[str, bool]:
    return {name: m.inplace for name, m in net.named_modules() if isinstance(m, nn.ReLU)}


# counts: the stem's, one inside and one after each of 9 blocks; 18 layers with two each, 2 transitions, the end; 8 + 2
@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda: ResNet(20, outputs=5), 19),
        (lambda: ResNet(20, outputs=5, shortcut="none"), 19),
        (lambda: DenseNet(40, outputs=5), 39),
        (lambda: SmallVGG(3, outputs=5, width=4), None),
    ],
    ids=["resnet", "plain", "densenet", "vgg"],
)
@pytest.mark.parametrize("fold", [False, True])
def test_same_numbers_and_every_rectifier_overwrites(
    make: Callable[[], nn.Module], count: int | None, fold: bool
) -> None:
    torch.manual_seed(0)
    net = make().eval()
    for module in net.modules():
        if isinstance(module, BatchNorm):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    net = fold_batch_norm(net) if fold else net
    x = torch.randn(2, 3, 32, 32)
    given = x.clone()
    with torch.no_grad():
        expected = net(x)
        rectify_in_place_(net)
        got = net(x)
    assert torch.equal(got, expected)
    assert expected.std() > 0
    assert torch.equal(x, given)
    found = rectifiers(net)
    assert all(found.values())
    assert count is None or len(found) == count


class Keeper(nn.Linear):
    """A layer that keeps what it returns."""

    def forward(self, input: Tensor) -> Tensor:
        self.kept = super().forward(input)
        return self.kept


def test_what_others_read_is_not_overwritten() -> None:
    shared = nn.ReLU()
    net = nn.Sequential(shared, nn.Linear(3, 3), shared, Keeper(3, 3), nn.ReLU(), nn.Flatten(), nn.ReLU()).eval()
    again = copy.deepcopy(net)
    rectify_in_place_(net)
    assert [link.inplace for link in net if isinstance(link, nn.ReLU)] == [False, True, False, False]
    x = torch.tensor([[-1.0, 2.0, -3.0]])
    with torch.no_grad():
        assert torch.equal(net(x), again(x))
    assert x.tolist() == [[-1.0, 2.0, -3.0]]


def test_a_residual_block_whose_branch_hands_its_input_on() -> None:
    block = ResidualBlock(nn.Sequential(nn.Identity(), nn.Dropout()), nn.Identity()).eval()
    rectify_in_place_(block)
    x = torch.tensor([-1.0, 2.0]).reshape(1, 2, 1, 1)
    assert block(x).flatten().tolist() == [0.0, 4.0]
    assert x.flatten().tolist() == [-1.0, 2.0]


def test_dropout_between_does_nothing_in_evaluation() -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Dropout(), nn.ReLU())
    rectify_in_place_(net)
    assert rectifiers(net) == {"2": True}


def test_a_block_in_place_adds_in_place() -> None:
    block = ResidualBlock(nn.Sequential(nn.Conv2d(2, 2, 1, bias=False)), nn.Identity()).eval()
    nn.init.dirac_(block.branch[0].weight)
    rectify_in_place_(block)
    made: list[Tensor] = []
    block.branch[0].register_forward_hook(lambda _, inputs, output: made.append(output))
    with torch.no_grad():
        y = block(torch.tensor([-1.0, 2.0]).reshape(1, 2, 1, 1))
    assert y.flatten().tolist() == [0.0, 4.0]
    assert y.data_ptr() == made[0].data_ptr()
