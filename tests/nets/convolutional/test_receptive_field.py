from functools import reduce

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.catalog import named_specs
from neurarium.nets.convolutional.lenet_1998 import Subsampling
from neurarium.nets.convolutional.receptive_field import (
    ReceptiveField,
    Window,
    convolution_cost,
    field_of_layers,
    measured_receptive_field,
    output_size,
)
from neurarium.nets.convolutional.stages import StagedNet
from neurarium.record.schema import image_schema

windows = st.builds(
    Window,
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 3),
)


@given(d=st.integers(12, 40), window=windows)
def test_output_size_is_that_of_torch(d: int, window: Window) -> None:
    layer = nn.Conv1d(1, 1, window.kernel, window.stride, window.padding, window.dilation)
    expected = layer(torch.zeros(1, 1, d)).shape[-1]
    assert output_size(d, window.kernel, window.stride, window.padding, window.dilation) == expected


def test_output_size_of_the_lecture() -> None:
    assert output_size(10, kernel=3) == 10 - 3 + 1  # n = d - f + 1


@given(layers=st.lists(windows, min_size=1, max_size=4), unit=st.integers(0, 5))
def test_receptive_field_is_the_set_of_inputs_found_by_going_back_through_the_layers(
    layers: list[Window], unit: int
) -> None:
    seen = {unit}
    for window in reversed(layers):
        seen = {window.stride * i - window.padding + window.dilation * t for i in seen for t in range(window.kernel)}
    field = reduce(ReceptiveField.through, layers, ReceptiveField())
    assert min(seen) == field.start + field.jump * unit
    assert max(seen) == field.start + field.jump * unit + field.size - 1


def positive(net: nn.Module) -> nn.Module:
    for parameter in net.parameters():
        nn.init.uniform_(parameter, 0.1, 1.0)
    return net


@pytest.mark.parametrize(
    ("layers", "window"),
    [
        ([nn.Conv2d(2, 3, 3)], [Window(3)]),
        ([nn.Conv2d(2, 3, 3, dilation=2), nn.Conv2d(3, 2, 3, dilation=4)], [Window(3, 1, 0, 2), Window(3, 1, 0, 4)]),
        (
            [nn.Conv2d(2, 4, 5), nn.AvgPool2d(2), nn.Conv2d(4, 4, 5), nn.AvgPool2d(2)],
            [Window(5), Window(2, 2), Window(5), Window(2, 2)],
        ),
        (
            [nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, stride=3)],
            [Window(3, 2, 1), Window(3, 3)],
        ),
        ([nn.Conv2d(2, 4, 4), nn.AvgPool2d(3, stride=2), nn.Conv2d(4, 1, 2)], [Window(4), Window(3, 2), Window(2)]),
        ([nn.Conv2d(2, 4, 3), nn.MaxPool2d(1), nn.Conv2d(4, 1, 3)], [Window(3), Window(1), Window(3)]),
    ],
)
def test_measured_equals_calculated(layers: list[nn.Module], window: list[Window]) -> None:
    field = reduce(ReceptiveField.through, window, ReceptiveField())
    assert field_of_layers(layers) == (field, field)
    assert measured_receptive_field(positive(nn.Sequential(*layers)), (2, 40, 45)) == (field.size, field.size)


def test_measured_tells_the_axes_apart() -> None:
    net = positive(nn.Sequential(nn.Conv2d(1, 1, (3, 5)), nn.Conv2d(1, 1, (1, 3), dilation=(1, 2))))
    assert measured_receptive_field(net, (1, 20, 30)) == (3, 5 + 2 * 2)
    assert [field.size for field in field_of_layers(net)] == [3, 5 + 2 * 2]


def test_paddings_by_name_and_windows_of_our_own() -> None:
    layers = [nn.Conv1d(1, 1, 5, padding="same", dilation=2), nn.Conv1d(1, 1, 2, padding="valid"), Subsampling(1)]
    assert field_of_layers(layers, axes=1) == (ReceptiveField(size=9 + 1 + 1, jump=2, start=-4),)


@pytest.mark.parametrize(("name", "size"), [("alexnet", 195), ("vgg16", 212)])
def test_fields_as_published(name: str, size: int) -> None:
    """A. Araujo, W. Norris, J. Sim, Distill, 2019, table 1: before the linear layers."""
    with torch.device("meta"):
        net = named_specs()[name].build(image_schema((3, 224, 224), 1000))
    assert isinstance(net, StagedNet)
    assert [field.size for field in field_of_layers(net.stages.modules())] == [size, size]


def test_measured_refuses_a_net_that_has_lost_the_axes() -> None:
    with pytest.raises(ShapeError, match="convolutional part"):
        measured_receptive_field(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), (1, 4, 4))


@settings(max_examples=20)
@given(window=st.tuples(windows, windows), groups=st.sampled_from([1, 2]), bias=st.booleans())
def test_cost_by_counting_weights_and_outputs(window: tuple[Window, Window], groups: int, bias: bool) -> None:
    net = nn.Conv2d(
        4,
        6,
        (window[0].kernel, window[1].kernel),
        (window[0].stride, window[1].stride),
        (window[0].padding, window[1].padding),
        (window[0].dilation, window[1].dilation),
        groups=groups,
        bias=bias,
    )
    cost = convolution_cost((13, 15), 6, window, channels=4, groups=groups, bias=bias)
    output = net(torch.zeros(1, 4, 13, 15))
    assert cost.output == (*output.shape[2:], 6)
    assert cost.parameters == sum(p.numel() for p in net.parameters())
    assert cost.multiply_adds == output.numel() * net.weight[0].numel()


def test_cost_of_the_lecture_with_the_output_squared() -> None:
    # d = 8, f = 3, p = 3 plies, k = 5 kernels: (d - f + 1)^2 x k outputs, each of f^2 p products
    cost = convolution_cost((8, 8), kernels=5, window=[Window(3), Window(3)], channels=3, bias=False)
    assert cost.output == (6, 6, 5)
    assert cost.multiply_adds == 6 * 6 * 5 * 9 * 3


def test_bad_numbers() -> None:
    with pytest.raises(ConfigError, match="stride"):
        output_size(5, kernel=3, stride=0)
    with pytest.raises(ShapeError, match="smaller kernel"):
        output_size(5, kernel=3, dilation=3)
    with pytest.raises(ConfigError, match="groups"):
        convolution_cost((8,), 5, [Window(3)], channels=4, groups=2)
    with pytest.raises(ConfigError, match="window"):
        convolution_cost((8, 8), 5, [Window(3)])
