import dataclasses

import pytest
import torch

from neurarium.data.dataset import Dataset
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import AutoencoderSpec, GANSpec
from neurarium.nets.spec import NetSpec
from neurarium.training.span import span_notice


def small(data: Dataset) -> Dataset:
    """The same examples as floats from 0 to 1."""
    train = dataclasses.replace(data.train, inputs=data.train.inputs / 255)
    return dataclasses.replace(data, train=train)


@pytest.mark.parametrize("spec", [RBMSpec(), GANSpec(), AutoencoderSpec(noise="masking")])
def test_says_when_values_are_those_of_other_units(spec: NetSpec, images: Dataset) -> None:
    assert span_notice(spec, images) == ""
    notice = span_notice(spec, small(images))
    low, high = float(small(images).train.inputs.min()), float(small(images).train.inputs.max())
    assert f"--net.span {low:g} {high:g}" in notice


@pytest.mark.parametrize("spec", [MLPSpec(), RBMSpec(visible="gaussian"), AutoencoderSpec(), RBMSpec(span=(0.0, 1.0))])
def test_says_nothing_where_no_span_counts_or_it_is_right(spec: NetSpec, images: Dataset) -> None:
    assert span_notice(spec, small(images)) == ""


def test_points_may_have_any_values(vectors: Dataset) -> None:
    points = dataclasses.replace(vectors, train=dataclasses.replace(vectors.train, inputs=torch.rand(90, 12)))
    assert span_notice(GANSpec(), points) == ""
    assert span_notice(RBMSpec(), points) != ""
