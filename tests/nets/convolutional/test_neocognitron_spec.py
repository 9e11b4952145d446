import math
import subprocess
import sys

import pytest

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.neocognitron_spec import NeocognitronSpec
from neurarium.record.schema import image_schema


def test_builds_for_images() -> None:
    net = NeocognitronSpec(learned=7, presentations=3).build(image_schema((3, 20, 24), 4))
    assert net.image_shape == (3, 20, 24)
    assert net.presentations == 3
    assert net.head.weight.shape == (4, 7 * 5 * 6)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learned", -1), ("presentations", -1), ("selectivity", (1.0, 0.0)), ("selectivity", (1.0, math.inf)),
        ("selectivity", (1.0,)),
    ],
)  # fmt: skip
def test_numbers_out_of_range(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"net.{field}"):
        NeocognitronSpec(**{field: value})


@pytest.mark.parametrize(("shape", "said"), [((13,), "images"), ((1, 7, 28), "at least 8 x 8 pixels, got 7 x 28")])
def test_other_data(shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        NeocognitronSpec().build(image_schema(shape, 10))


def test_knows_no_torch() -> None:
    code = "import neurarium.nets.convolutional.neocognitron_spec, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
