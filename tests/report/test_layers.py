import json

import pytest
from torch import nn

from neurarium.nets.convolutional.receptive_field import ReceptiveField
from neurarium.nets.summary import summarise
from neurarium.report.layers import plain_rows, receptive_field


@pytest.mark.parametrize(
    ("sights", "words"),
    [
        ((ReceptiveField(5, 1, 0), ReceptiveField(3, 1, 0)), "5 x 3"),
        (("all", "all"), "all"),
        (("all", ReceptiveField(4, 2, 0)), "all x 4"),
        (("unknown",), "unknown"),
    ],
)
def test_receptive_field_in_words(sights, words):
    assert receptive_field(sights) == words


def test_rows_of_a_convolution_and_a_linear_layer():
    net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Flatten(), nn.Linear(6 * 4 * 4, 10))
    rows = plain_rows(summarise(net, (1, 8, 8)))
    assert json.loads(json.dumps(rows)) == rows
    assert rows[0] == {
        "name": "0", "kind": "Conv2d", "output_shape": [6, 4, 4], "parameters": 6 * 25 + 6,
        "multiply_adds": 6 * 16 * 25, "receptive_field": "5 x 5",
    }  # fmt: skip
    assert (rows[-1]["parameters"], rows[-1]["multiply_adds"]) == (970, 960)
