from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.catalog import NETS
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.nets.parts.normalization.weight import weight_normalized
from neurarium.nets.spec import NetSpec
from neurarium.nets.summary import summarize, summarize_batch
from neurarium.record.schema import image_schema


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
    x = net.s2(F.relu(net.c1(x)))
    x = F.max_pool2d(F.relu(net.c3(x)), 2)
    return net.output(net.f6(net.c5(torch.flatten(x, 1))))


def functional_lenet() -> Net:
    return Net(
        lenet,
        c1=nn.Conv2d(1, 6, 5, padding=2),
        s2=nn.MaxPool2d(2),
        c3=nn.Conv2d(6, 16, 5),
        c5=nn.Linear(400, 120),
        f6=nn.Linear(120, 84),
        output=nn.Linear(84, 10),
    )


def test_lenet_by_hand() -> None:
    summary = summarize(functional_lenet(), (1, 28, 28))
    assert [(r.name, r.kind, r.output, r.parameters, r.multiply_adds) for r in summary.rows] == [
        ("c1", "Conv2d", (6, 28, 28), 6 * 25 + 6, 28 * 28 * 6 * 25),
        ("s2", "MaxPool2d", (6, 14, 14), 0, 0),
        ("c3", "Conv2d", (16, 10, 10), 16 * 6 * 25 + 16, 10 * 10 * 16 * 6 * 25),
        ("c5", "Linear", (120,), 400 * 120 + 120, 400 * 120),
        ("f6", "Linear", (84,), 120 * 84 + 84, 120 * 84),
        ("output", "Linear", (10,), 84 * 10 + 10, 84 * 10),
    ]
    assert summary.parameters == summary.trainable == 61706
    assert summary.multiply_adds == 117_600 + 240_000 + 48_000 + 10_080 + 840


def test_what_a_module_does_and_holds_itself_is_in_its_own_row() -> None:
    class Attention(nn.Module):
        """x W (x W)^T x and parameters that no layer holds."""

        def __init__(self) -> None:
            super().__init__()
            self.project = nn.Linear(6, 4, bias=False)
            self.scales = nn.ParameterList([torch.ones(9, 1) for _ in range(50)])

        def forward(self, x: Tensor) -> Tensor:
            q = self.project(x) * sum(self.scales)
            return q @ q.transpose(1, 2) @ x

    rows = summarize(nn.Sequential(Attention()), (9, 6)).rows
    assert [(r.name, r.kind, r.output, r.parameters, r.multiply_adds) for r in rows] == [
        ("0.project", "Linear", (9, 4), 24, 9 * 6 * 4),
        ("0", "Attention", (9, 6), 50 * 9, 9 * 9 * 4 + 9 * 9 * 6),
    ]


def test_many_like_layers_are_one_row() -> None:
    def stack(depth: int) -> nn.Module:
        return nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(depth)), nn.Linear(4, 3))

    assert [row.name for row in summarize(stack(3), (4,)).rows] == ["0.0", "1.0", "2.0", "3"]
    summary = summarize(stack(30), (4,))
    assert [(row.name, row.parameters, row.multiply_adds) for row in summary.rows] == [
        ("0.0 x 30", 30 * 20, 30 * 16),
        ("30", 15, 12),
    ]
    assert (summary.parameters, summary.multiply_adds) == (615, 492)


@pytest.mark.parametrize("patterns", [3, 40])
def test_a_memory_is_few_rows_whatever_it_holds(patterns: int) -> None:
    torch.manual_seed(0)
    net = AssociativeMemory(torch.zeros(1, 10, 10), patterns, "hebbian")
    net.store(torch.randn(patterns, 1, 10, 10))
    assert len(summarize(net, (1, 10, 10)).rows) <= 2


def test_recurrent_layers_by_hand() -> None:
    net = Net(
        lambda net, x: net.gru(net.lstm(x)[0])[0],
        lstm=nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
        gru=nn.GRU(8, 5, batch_first=True),
    )
    lstm, gru = summarize(net, (6, 3)).rows
    assert lstm.multiply_adds == 6 * 2 * (4 * 4 * (3 + 4) + 4 * 4 * (8 + 4))  # steps, directions, two layers
    assert gru.multiply_adds == 6 * 3 * 5 * (8 + 5)
    assert lstm.output == (6, 8)


def test_a_cell_is_one_row_for_all_its_steps() -> None:
    def read(net: Any, x: Tensor) -> Tensor:
        state = None
        for step in x.unbind(1):
            state = net.cell(step, state)
        return net.output(state[0])

    rows = summarize(Net(read, cell=nn.LSTMCell(3, 4), output=nn.Linear(4, 2)), (7, 3)).rows
    assert [(row.name, row.output, row.multiply_adds) for row in rows] == [
        ("cell", (4,), 7 * 4 * 4 * (3 + 4)),
        ("output", (2,), 8),
    ]


def test_shared_and_unused_parameters_count_once() -> None:
    shared = nn.Linear(4, 4)
    net = Net(lambda net, x: net.b(net.a(x)), a=shared, b=shared, unused=nn.Linear(2, 3))
    net.unused.weight.requires_grad_(False)
    summary = summarize(net, (4,))
    assert summary.parameters == 4 * 4 + 4 + 2 * 3 + 3
    assert summary.trainable == 4 * 4 + 4 + 3
    assert [(row.name, row.parameters, row.multiply_adds) for row in summary.rows] == [("a", 20, 32), ("", 9, 0)]


def test_the_net_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(72, 2))
    net[1].eval()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    random = torch.get_rng_state()
    summarize(net, (1, 8, 8))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert [module.training for module in net.modules()] == [True, True, False, True, True, True]
    assert torch.equal(torch.get_rng_state(), random)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    net(torch.zeros(3, 1, 8, 8)).sum().backward()


def test_an_empty_shape_is_refused() -> None:
    with pytest.raises(ShapeError, match="each >= 1"):
        summarize(nn.Identity(), ())


def test_a_weight_normalized_layer_is_one_row() -> None:
    net = nn.Sequential(weight_normalized(nn.Conv2d(2, 4, 3, bias=False)), nn.Flatten(), nn.Linear(4, 3))
    weight_normalized(net[2])
    rows = summarize(net, (2, 3, 3)).rows
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
    summary = summarize_batch(net, (torch.zeros(3, 7, dtype=torch.long), torch.ones(3, 7)))
    assert [(r.name, r.kind, r.output, r.parameters, r.multiply_adds) for r in summary.rows] == [
        ("embedding", "Embedding", (3, 7, 8), 400, 0),
        ("output", "Linear", (3, 4), 36, 3 * 8 * 4),
    ]
    assert (summary.parameters, summary.trainable, summary.multiply_adds) == (436, 436, 96)
    assert net.training


def test_a_batch_costs_as_much_as_its_examples() -> None:
    net = functional_lenet()
    one, batch = summarize(net, (1, 28, 28)), summarize_batch(net, (torch.zeros(5, 1, 28, 28),))
    assert [row.multiply_adds for row in batch.rows] == [5 * row.multiply_adds for row in one.rows]
    assert [row.output for row in batch.rows] == [(5, *row.output) for row in one.rows]


def test_what_is_not_known_makes_the_total_unknown() -> None:
    summary = summarize_batch(nn.Sequential(nn.Linear(3, 3), nn.Flatten(), Pair()), (torch.ones(4, 3),))
    assert [row.multiply_adds for row in summary.rows] == [4 * 9, None]
    assert summary.rows[-1].parameters == 2 * 3 * 3 + 2
    assert summary.multiply_adds is None


class Pair(nn.Bilinear):
    """A bilinear form of the input with itself; torch's operation for it has no formula."""

    def __init__(self) -> None:
        super().__init__(3, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x, x)


def is_one_tensor(kind: type[NetSpec]) -> bool:
    schema = kind.example()
    return len(schema.inputs) == 1 and not schema.input.is_ragged and not schema.input.categories


# the others are summarized from batches, in tests/report/test_layers.py
@pytest.mark.parametrize("name", [name for name, kind in NETS.items() if not kind.needs and is_one_tensor(kind)])
def test_of_a_net_in_the_catalog_every_cost_is_known_and_every_parameter_has_a_row(name: str) -> None:
    schema = NETS[name].example()
    net = NETS[name]().build(schema)
    summary = summarize(net, schema.input.fixed_shape)
    assert summary.multiply_adds is not None
    parameters = sum(p.numel() for p in net.parameters())
    assert sum(row.parameters for row in summary.rows) == summary.parameters == parameters


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (functional_lenet(), (1, 28, 28)),
        (nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True), (6, 3)),
        (nn.GRU(3, 4, batch_first=True), (6, 3)),
        (nn.TransformerEncoderLayer(16, 2, 20, batch_first=True), (5, 16)),
    ],
)
def test_a_gpu_makes_no_difference(net: nn.Module, shape: tuple[int, ...]) -> None:
    expected = summarize(net, shape)
    state = torch.cuda.get_rng_state()
    assert summarize(net.cuda(), shape) == expected
    assert torch.equal(torch.cuda.get_rng_state(), state)


def test_a_pair_shows_both_its_parts() -> None:
    net = NETS["gan"]().build(image_schema((1, 4, 4)))
    found = summarize(net, (1, 4, 4))
    made = [row for row in found.rows if row.name.startswith("generator.")]
    judged = [row for row in found.rows if row.name.startswith("discriminator.")]
    assert sum(row.parameters for row in made) == sum(p.numel() for p in net.generator.parameters())
    assert sum(row.parameters for row in (*made, *judged)) == found.parameters
    # two hidden layers of 128 between 64 numbers of noise and 16 pixels, and back to one
    assert found.multiply_adds == 64 * 128 + 128 * 128 + 128 * 16 + 16 * 128 + 128 * 128 + 128
