import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from neurarium.nets.convolutional.lenet_1998 import (
    C3_SOURCES,
    LeNet1998,
    TableConvolution,
    code_logits,
    digit_codes,
    random_codes,
    scaled_tanh,
    subsample,
)

PARAMETERS = {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164, "output": 0}
CONNECTIONS = {
    "c1": 122_304,
    "s2": 5_880,
    "c3": 151_600,
    "s4": 2_000,
    "c5": 48_120,
    "f6": 10_164,
    "output": 840,
}


def test_parameters_are_those_printed() -> None:
    net = LeNet1998()
    counted = {
        name: sum(p.numel() for p in layer.parameters())
        for name, layer in net.layers.named_children()
        if name in PARAMETERS
    }
    assert counted == PARAMETERS
    assert sum(p.numel() for p in net.parameters()) == 60_000


@pytest.mark.parametrize("size", [28, 32])
def test_connections_are_those_printed(size: int) -> None:
    """Every unit of a map uses all weights of that map; a subsampling unit four inputs and a bias."""
    net = LeNet1998(size=size)
    counted: dict[str, int] = {}
    for name, layer in net.layers.named_children():

        def count(layer: nn.Module, inputs: object, out: torch.Tensor, name: str = name) -> None:
            positions = math.prod(out.shape[2:])
            weights = sum(p.numel() for p in layer.parameters())
            if name in ("s2", "s4"):
                weights = out.shape[1] * (4 + 1)
            if name == "output":
                weights = out.shape[1] * 84
            counted[name] = positions * weights

        if name in CONNECTIONS:
            layer.register_forward_hook(count)
    net(torch.zeros(1, 1, size, size))
    assert counted == CONNECTIONS
    assert sum(counted.values()) == 340_908


def test_table_has_the_printed_structure() -> None:
    rows = [set(row) for row in C3_SOURCES]
    ring = [{(start + k) % 6 for k in range(length)} for length in (3, 4) for start in range(6)]
    assert sorted(map(sorted, rows[:12])) == sorted(map(sorted, ring))
    pairs = [{a, (a + 1) % 6, (a + 3) % 6, (a + 4) % 6} for a in range(3)]
    assert sorted(map(sorted, rows[12:15])) == sorted(map(sorted, pairs))
    assert rows[15] == set(range(6))
    assert sum(map(len, rows)) == 60
    # No two maps see the same, and each map of s2 is seen by ten.
    assert len({frozenset(row) for row in rows}) == 16
    assert [sum(source in row for row in rows) for source in range(6)] == [10] * 6


def test_table_convolution_is_sixteen_small_ones() -> None:
    torch.manual_seed(0)
    layer = TableConvolution(C3_SOURCES, below=6).double()
    x = torch.randn(2, 6, 9, 8, dtype=torch.float64)
    kernels = layer.weight.split([len(row) for row in C3_SOURCES])
    expected = [
        F.conv2d(x[:, list(row)], kernel[None], layer.bias[k : k + 1])
        for k, (row, kernel) in enumerate(zip(C3_SOURCES, kernels, strict=True))
    ]
    torch.testing.assert_close(layer(x), torch.cat(expected, 1), rtol=1e-10, atol=1e-10)


def test_subsampling_by_hand() -> None:
    x = torch.tensor([[[[1.0, 2.0, 5.0], [3.0, 4.0, 5.0]], [[0.0, 1.0, 5.0], [0.0, 1.0, 5.0]]]])
    got = subsample(x, coefficient=torch.tensor([0.5, -1.0]), bias=torch.tensor([1.0, 10.0]))
    assert got.flatten().tolist() == [0.5 * 10 + 1, -1.0 * 2 + 10]


def test_squashing_maps_one_to_one() -> None:
    x = torch.tensor([-1.0, 0.0, 1.0, 100.0], dtype=torch.float64)
    torch.testing.assert_close(scaled_tanh(x), torch.tensor([-1, 0, 1, 1.7159]).double(), rtol=0, atol=1e-4)


def test_logits_are_minus_half_the_squared_distance() -> None:
    x = torch.randn(5, 84, dtype=torch.float64)
    codes = random_codes(12).double()
    torch.testing.assert_close(code_logits(x, codes), -torch.cdist(x, codes).square() / 2, rtol=1e-9, atol=1e-9)
    assert code_logits(codes, codes).argmax(1).tolist() == list(range(12))


def test_codes_are_signs_and_apart() -> None:
    for codes, apart in ((digit_codes(), 9), (random_codes(100), 20)):
        assert codes.shape[1] == 84
        assert codes.abs().eq(1).all()
        assert min((a != b).sum().item() for a, b in itertools.combinations(codes, 2)) >= apart
    assert torch.equal(random_codes(5), random_codes(5))


def test_digit_bitmaps_stand_upright() -> None:
    """The one is a single vertical stroke: its middle column is all ink, the zero's is not."""
    one, zero = digit_codes()[1].view(12, 7), digit_codes()[0].view(12, 7)
    assert one[:, 3].eq(1).all()
    assert zero[1:-1, 3].eq(-1).all()
    assert torch.equal(zero, zero.flip(0))
    assert torch.equal(zero, zero.flip(1))


@pytest.mark.parametrize(("channels", "size", "outputs"), [(3, 32, 10), (1, 12, 2), (1, (20, 45), 100)])
def test_other_images_and_classes(channels: int, size: int | tuple[int, int], outputs: int) -> None:
    height, width = (size, size) if isinstance(size, int) else size
    x = torch.randn(2, channels, height, width)
    logits = LeNet1998(channels, size, outputs)(x)
    assert logits.shape == (2, outputs)
    assert (logits <= 0).all()


def test_initial_weights_lie_within_the_printed_bounds() -> None:
    net = LeNet1998()
    fan_in = {"c1": 25, "s2": 4, "s4": 4, "c5": 400, "f6": 120}
    for name, n in fan_in.items():
        values = torch.cat([p.flatten() for p in net.layers.get_submodule(name).parameters()])
        assert values.abs().max() <= 2.4 / n
        assert values.abs().max() > 0.5 * 2.4 / n
    first, last = net.layers.c3.weight[:3], net.layers.c3.weight[-6:]
    assert first.abs().max() <= 2.4 / 75
    assert last.abs().max() <= 2.4 / 150
