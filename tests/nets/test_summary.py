from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from neurarium.checks import ShapeError
from neurarium.nets.catalogue import NETS as CATALOGUE
from neurarium.nets.convolutional.receptive_field import ReceptiveField, measured_receptive_field
from neurarium.nets.parts.normalization.weight import weight_normalised
from neurarium.nets.summary import Row, summarise, summarise_batch


class Net(nn.Module):
    """A net whose forward is the given function of its children and the input."""

    def __init__(self, forward: Callable[..., Tensor], **children: nn.Module) -> None:
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)
        self._run = forward

    def forward(self, x: Tensor) -> Tensor:
        return self._run(self, x)


def lenet(net: Any, x: Tensor) -> Tensor:
    x = F.max_pool2d(F.relu(net.c1(x)), 2)
    x = F.max_pool2d(F.relu(net.c3(x)), 2)
    return net.output(net.f6(net.c5(torch.flatten(x, 1))))


def functional_lenet() -> Net:
    return Net(
        lenet,
        c1=nn.Conv2d(1, 6, 5, padding=2),
        c3=nn.Conv2d(6, 16, 5),
        c5=nn.Linear(400, 120),
        f6=nn.Linear(120, 84),
        output=nn.Linear(84, 10),
    )


def sizes(row: Row) -> list[object]:
    return [(s.size, s.jump) if isinstance(s, ReceptiveField) else s for s in row.receptive_field]


def test_lenet_by_hand() -> None:
    summary = summarise(functional_lenet(), (1, 28, 28))
    table = [(r.name, r.kind, r.output, r.parameters, r.multiply_adds, sizes(r)[0]) for r in summary.rows]
    assert table == [
        ("c1", "Conv2d", (6, 28, 28), 6 * 25 + 6, 28 * 28 * 6 * 25, (5, 1)),
        ("max_pool2d", "max_pool2d", (6, 14, 14), 0, 0, (6, 2)),
        ("c3", "Conv2d", (16, 10, 10), 16 * 6 * 25 + 16, 10 * 10 * 16 * 6 * 25, (14, 2)),
        ("max_pool2d", "max_pool2d", (16, 5, 5), 0, 0, (16, 4)),
        ("c5", "Linear", (120,), 400 * 120 + 120, 400 * 120, "all"),
        ("f6", "Linear", (84,), 120 * 84 + 84, 120 * 84, "all"),
        ("output", "Linear", (10,), 84 * 10 + 10, 84 * 10, "all"),
    ]
    assert summary.parameters == summary.trainable == 61706
    assert summary.multiply_adds == sum(row.multiply_adds for row in summary.rows)
    assert summary.receptive_field == ("all", "all")


def attention(net: Any, x: Tensor) -> Tensor:
    q, k, v = net.qkv(x.transpose(1, 2)).chunk(3, dim=-1)
    return torch.softmax(q @ k.transpose(1, 2) / 2.0, dim=-1) @ v


NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "functional": (functional_lenet, (1, 28, 28)),
    "grouped, strided, dilated": (
        lambda: nn.Sequential(nn.Conv2d(4, 8, 3, 2, 1, 2, groups=2), nn.BatchNorm2d(8), nn.ConvTranspose2d(8, 3, 2)),
        (4, 11, 13),
    ),
    "attention by hand": (lambda: Net(attention, qkv=nn.Linear(6, 24)), (6, 9)),
    "transformer": (
        lambda: nn.Sequential(nn.Flatten(2), nn.TransformerEncoderLayer(12, 3, 20, batch_first=True)),
        (5, 3, 4),
    ),
    "three dimensions": (lambda: nn.Sequential(nn.Conv3d(2, 3, 2), nn.MaxPool3d(2), nn.Flatten()), (2, 5, 5, 5)),
}


@pytest.mark.parametrize("name", NETS)
def test_multiply_adds_are_half_the_flops_of_torch(name: str) -> None:
    make, shape = NETS[name]
    net = make().eval()
    # The counter knows attention only as the products that it is made of.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, *shape))
    assert summarise(net, shape).multiply_adds * 2 == counter.get_total_flops()


@pytest.mark.parametrize("name", NETS)
def test_rows_hold_every_parameter_once(name: str) -> None:
    make, shape = NETS[name]
    net = make()
    summary = summarise(net, shape)
    assert sum(row.parameters for row in summary.rows) == sum(p.numel() for p in net.parameters())


def test_recurrent_layers_by_hand() -> None:
    net = Net(
        lambda net, x: net.gru(net.lstm(x)[0])[0],
        lstm=nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
        gru=nn.GRU(8, 5, batch_first=True),
    )
    lstm, gru = summarise(net, (6, 3)).rows
    assert lstm.multiply_adds == 6 * 2 * (4 * 4 * (3 + 4) + 4 * 4 * (8 + 4))  # steps, directions, two layers
    assert gru.multiply_adds == 6 * 3 * 5 * (8 + 5)
    assert lstm.output == (6, 8)


def test_shared_and_unused_parameters_count_once() -> None:
    shared = nn.Linear(4, 4)
    net = Net(lambda net, x: net.b(net.a(x)), a=shared, b=shared, unused=nn.Linear(2, 3))
    net.unused.weight.requires_grad_(False)
    summary = summarise(net, (4,))
    assert summary.parameters == 4 * 4 + 4 + 2 * 3 + 3
    assert summary.trainable == 4 * 4 + 4 + 3
    assert [(row.name, row.parameters, row.multiply_adds) for row in summary.rows] == [
        ("a", 20, 16),
        ("a", 0, 16),
        ("", 9, 0),
    ]


def residual(net: Any, x: Tensor) -> Tensor:
    x = net.stem(x)
    x = x + net.b(F.relu(net.a(x)))
    return torch.cat([net.c(x), x[..., ::2, ::2]], dim=1)


@pytest.mark.parametrize(
    ("forward", "shape"),
    [
        (residual, (2, 33, 37)),
        (lambda net, x: F.avg_pool2d(net.stem(x), 3, stride=2), (2, 33, 37)),
        (lambda net, x: net.stem(F.pad(x, (1, 2, 3, 4), mode="circular")), (2, 33, 37)),
        (lambda net, x: net.b(net.channels(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)), (2, 33, 37)),
        (lambda net, x: net.a(torch.flip(net.around(net.stem(x)), dims=[1])), (2, 33, 37)),
        (lambda net, x: torch.stack(net.stem(x).unbind(1), dim=1) * 2, (2, 33, 37)),
    ],
)
def test_receptive_field_is_the_measured_one(forward: Callable[..., Tensor], shape: tuple[int, ...]) -> None:
    net = Net(
        forward,
        stem=nn.Conv2d(2, 3, 3, stride=2, padding=1),
        a=nn.Conv2d(3, 3, 3, padding=1),
        b=nn.Conv2d(3, 3, 3, padding=1),
        c=nn.Conv2d(3, 3, (3, 1), stride=2, padding=(1, 0)),
        around=nn.Conv2d(3, 3, 3, padding=1, padding_mode="circular"),
        channels=nn.Linear(2, 3),
    )
    for parameter in net.parameters():
        nn.init.uniform_(parameter, 0.1, 1.0)
    fields = summarise(net, shape).receptive_field
    calculated = tuple(field.size for field in fields if isinstance(field, ReceptiveField))
    assert calculated == measured_receptive_field(net, shape)


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (nn.AdaptiveAvgPool2d(1), "all"),
        (nn.GroupNorm(1, 2), "all"),
        (nn.InstanceNorm2d(2), "all"),
        (nn.Sequential(nn.Flatten(), nn.Linear(128, 3)), "all"),
        (nn.Softmax(dim=1), ReceptiveField()),
        (Net(lambda _, x: x.mean(dim=(2, 3))), "all"),
        (Net(lambda _, x: x * torch.sigmoid(x.amax(dim=(2, 3), keepdim=True))), "all"),
        (Net(lambda _, x: x.flatten(2) @ x.flatten(2).transpose(1, 2)), "all"),
        (nn.Upsample(scale_factor=2), "unknown"),
        (Net(lambda _, x: x.flip(2, 3)), "unknown"),
        (Net(lambda _, x: x[:, :, torch.arange(7, -1, -1)][..., torch.arange(8)]), "unknown"),
        (Net(lambda _, x: x.view(1, 2, 4, 2, 4, 2).permute(0, 1, 2, 4, 3, 5)), "unknown"),
        (Net(lambda _, x: x.flatten(2).view(1, 2, 8, 8)), ReceptiveField()),
    ],
)
def test_what_sees_all_and_what_cannot_be_followed(net: nn.Module, expected: object) -> None:
    assert summarise(net, (2, 8, 8)).receptive_field == (expected, expected)


def test_the_net_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(72, 2))
    net[1].eval()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    random = torch.get_rng_state()
    summarise(net, (1, 8, 8))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert [module.training for module in net.modules()] == [True, True, False, True, True, True]
    assert torch.equal(torch.get_rng_state(), random)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    net(torch.zeros(3, 1, 8, 8)).sum().backward()


def test_tokens_and_positions() -> None:
    net = nn.Sequential(nn.Embedding(50, 8), nn.LayerNorm(8), nn.Linear(8, 4))
    rows = summarise(net, (7,), dtype=torch.long).rows
    assert [(row.output, row.receptive_field) for row in rows] == [
        ((7, 8), (ReceptiveField(),)),
        ((7, 8), (ReceptiveField(),)),
        ((7, 4), (ReceptiveField(),)),
    ]


def test_an_empty_shape_is_refused() -> None:
    with pytest.raises(ShapeError, match="each >= 1"):
        summarise(nn.Identity(), ())


def test_a_weight_normalised_layer_is_one_row() -> None:
    net = nn.Sequential(weight_normalised(nn.Conv2d(2, 4, 3, bias=False)), nn.Flatten(), nn.Linear(4, 3))
    weight_normalised(net[2])
    rows = summarise(net, (2, 3, 3)).rows
    # 4 lengths and 4 x 2 x 3 x 3 directions; 3 lengths, 3 x 4 directions and 3 biases
    assert [(row.name, row.kind, row.parameters, row.multiply_adds) for row in rows] == [
        ("0", "Conv2d", 4 + 72, 72),
        ("1", "Flatten", 0, 0),
        ("2", "Linear", 3 + 12 + 3, 12),
    ]


class Two(nn.Module):
    """Tokens and a weight for each."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 8)
        self.output = nn.Linear(8, 4)

    def forward(self, tokens: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        mean = (self.embedding(tokens) * weights[..., None]).sum(1)
        return self.output(mean), mean


def test_a_batch_of_several_inputs() -> None:
    net = Two().train()
    summary = summarise_batch(net, (torch.zeros(3, 7, dtype=torch.long), torch.ones(3, 7)))
    assert [(r.name, r.kind, r.output, r.parameters, r.multiply_adds, r.receptive_field) for r in summary.rows] == [
        ("embedding", "Embedding", (3, 7, 8), 400, 0, ("unknown",)),
        ("output", "Linear", (3, 4), 36, 3 * 8 * 4, ("unknown",)),
    ]
    assert (summary.parameters, summary.trainable, summary.multiply_adds) == (436, 436, 96)
    assert summary.receptive_field == ("unknown",)
    assert net.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_a_batch_costs_as_much_as_its_examples() -> None:
    net = functional_lenet()
    one, batch = summarise(net, (1, 28, 28)), summarise_batch(net, (torch.zeros(5, 1, 28, 28),))
    costs = {row.name: row.multiply_adds for row in one.rows if row.multiply_adds}
    assert {row.name: row.multiply_adds for row in batch.rows} == {name: 5 * cost for name, cost in costs.items()}


@pytest.mark.parametrize(
    "forward",
    [
        lambda net, x: torch.cdist(x, x),
        lambda net, x: torch.linalg.solve(x @ x.T + torch.eye(4), x),
        lambda net, x: torch.einsum("ni,ijk,nk->nj", x, torch.ones(3, 2, 3), x) * torch.linalg.det(torch.eye(3)),
        lambda net, x: F.bilinear(x, x, torch.ones(2, 3, 3)),
        lambda net, x: torch.addbmm(torch.zeros(4, 4), x[None], x.T[None]),
        lambda net, x: torch.ops.neurarium_test.twice(x),
    ],
)
def test_what_an_unknown_operation_costs_is_not_known(forward: Callable[..., Tensor]) -> None:
    net = nn.Sequential(nn.Linear(3, 3), Net(forward))
    summary = summarise_batch(net, (torch.ones(4, 3),))
    assert summary.rows[0].multiply_adds == 4 * 9
    assert summary.rows[-1].multiply_adds is None
    assert summary.multiply_adds is None


@torch.library.custom_op("neurarium_test::twice", mutates_args=())
def twice(x: Tensor) -> Tensor:
    return 2 * x


@pytest.mark.parametrize(
    ("forward", "cost"),
    [
        (lambda net, x: torch.einsum("ni,ij->nj", x, torch.ones(3, 2)), 4 * 3 * 2),
        (lambda net, x: torch.zeros(4, 4).addmm_(x, x.T), 4 * 3 * 4),
        (lambda net, x: torch.eye(4).to_sparse() @ x, 4 * 3),
        (lambda net, x: torch.sparse.mm(torch.eye(4).to_sparse(), x), 4 * 3),
        (lambda net, x: torch.eye(4).to_sparse_csr() @ x, 4 * 3),
        (lambda net, x: torch.mv(torch.eye(4).to_sparse(), x[:, 0]), 4),
        (lambda net, x: torch.zeros(2, 3).index_add(0, torch.tensor([0, 1, 1, 0]), x), 0),
        (lambda net, x: x.softmax(1).sort(1).values.cumsum(0), 0),
        (lambda net, x: torch.fft.rfft(x).abs(), 0),
    ],
)
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_what_is_known_to_cost(forward: Callable[..., Tensor], cost: int) -> None:
    assert summarise_batch(Net(forward), (torch.ones(4, 3),)).multiply_adds == cost


def test_of_a_net_in_the_catalogue_every_cost_is_known() -> None:
    for name, kind in CATALOGUE.items():
        schema = kind.example()
        if not kind.needs and len(schema.inputs) == 1 and not (schema.input.is_ragged or schema.input.categories):
            assert summarise(kind().build(schema), schema.input.fixed_shape).multiply_adds is not None, name
