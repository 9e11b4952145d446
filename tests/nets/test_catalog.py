import ast
import dataclasses
import inspect
import textwrap

import pytest
from torch.nn.modules.batchnorm import _BatchNorm

from neurarium.nets.catalog import NETS, named_specs
from neurarium.nets.convolutional.deep_specs import DenseNetSpec, VGGSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.parts.normalization.batch import BatchNorm
from neurarium.nets.spec import NetSpec

from ..contract import SPECS

USUAL = ("supervised", "gradient")


@pytest.mark.parametrize("name", NETS)
def test_entry_is_a_spec_with_defaults_and_one_line(name: str) -> None:
    spec = NETS[name]()
    assert isinstance(spec, NetSpec)
    assert spec == NETS[name]()
    assert spec.summary
    assert "\n" not in spec.summary


@pytest.mark.parametrize("name", NETS)
def test_every_field_is_explained(name: str) -> None:
    kinds = [kind for kind in NETS[name].__mro__ if issubclass(kind, NetSpec)]
    bodies = [ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0] for kind in kinds]
    explained = {
        field.target.id
        for body in bodies
        if isinstance(body, ast.ClassDef)
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
    assert {field.name for field in dataclasses.fields(NETS[name])} <= explained


def test_what_differs_from_supervised_learning_by_gradients() -> None:
    others = {name: (net.task, net.rule) for name, net in NETS.items() if (net.task, net.rule) != USUAL}
    assert others == {
        "perceptron": ("supervised", "perceptron"),
        "hopfield": ("recall", "storage"),
        "rbm": ("density", "contrastive"),
        "autoencoder": ("reconstruction", "gradient"),
        "convolutional-autoencoder": ("reconstruction", "gradient"),
        "gan": ("generation", "adversarial"),
        "dcgan": ("generation", "adversarial"),
        "neural-language-model": ("language-model", "gradient"),
        "encoder-decoder": ("translation", "gradient"),
        "recurrent-forecast": ("forecast", "gradient"),
        "pair-potential": ("energy-forces", "gradient"),
    }
    assert [name for name, net in NETS.items() if net.needs] == ["linear-probe"]


@pytest.mark.parametrize("name", SPECS)
def test_batch_statistics_are_said_where_a_net_normalizes_by_the_batch(name: str) -> None:
    spec, backbone = SPECS[name], None
    schema = spec.example()
    if spec.needs:
        backbone = MLPSpec().build(schema)
    net = spec.build(schema, backbone)
    assert any(isinstance(part, BatchNorm | _BatchNorm) for part in net.modules()) == spec.batch_statistics


def test_published_sizes_are_known_by_names_of_their_own() -> None:
    specs, sizes = named_specs(), [name for kind in NETS.values() for name in kind.sizes]
    assert len(specs) == len(NETS) + len(sizes)
    assert {name: kind() for name, kind in NETS.items()}.items() <= specs.items()
    assert (specs["vgg19-bn"], specs["densenet121"]) == (VGGSpec(19, batch_norm=True), DenseNetSpec(121))
