import torch
from torch import nn

from neurarium.learning.backprop.layer import Layer


def nothing(*args: object) -> tuple:
    return ()


def test_a_layer_learns_while_a_parameter_of_it_does() -> None:
    weight = nn.Parameter(torch.zeros(1))
    layer = Layer("layer", nothing, nothing, (("weight", weight), ("", None)))
    assert layer.learns
    weight.requires_grad_(False)
    assert not layer.learns
    assert not Layer("flatten", nothing, nothing).learns
