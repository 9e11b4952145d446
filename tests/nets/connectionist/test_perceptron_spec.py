import subprocess
import sys
from typing import get_args

import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.perceptron import Perceptron
from neurarium.nets.connectionist.perceptron_spec import ANSWERS, Answers, PerceptronSpec
from neurarium.record.schema import image_schema


def test_builds_a_unit_for_examples_of_any_shape() -> None:
    net = PerceptronSpec().build(image_schema((1, 5, 4), 2))
    assert isinstance(net, Perceptron)
    assert net(torch.zeros(3, 1, 5, 4)).shape == (3, 2)
    assert PerceptronSpec().build(PerceptronSpec.example()).weight.numel() == 784


def test_other_than_two_classes() -> None:
    for classes in (1, 3, 10):
        with pytest.raises(ConfigError, match=rf"two classes, got {classes} classes"):
            PerceptronSpec().build(image_schema((4,), classes))


def test_answers_are_those_of_the_type() -> None:
    assert tuple(ANSWERS) == get_args(Answers)
    assert PerceptronSpec().answers == "last"


def test_no_torch() -> None:
    code = "import sys, neurarium.nets.connectionist.perceptron_spec; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
