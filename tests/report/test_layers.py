import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neurarium.nets.catalog import NETS
from neurarium.nets.convolutional.specs import LeNet5Spec
from neurarium.nets.spec import NetSpec
from neurarium.nets.summary import summarize, summarize_batch
from neurarium.record.schema import Schema, image_schema
from neurarium.report.layers import plain_rows, write_layers
from neurarium.training.data_info import DataInfo
from neurarium.training.device import find_device
from neurarium.training.recipe import Recipe
from neurarium.training.run import Run


def is_one_tensor(schema: Schema) -> bool:
    return len(schema.inputs) == 1 and not schema.input.is_ragged and not schema.input.categories


OTHERS = [name for name, kind in NETS.items() if not is_one_tensor(kind.example())]


def run_of(spec: NetSpec, schema: Schema, folder: Path) -> Run:
    torch.manual_seed(0)
    info = DataInfo("toy", schema, {}, "", "", "")
    return Run(folder, Recipe(net=spec), info, spec.build(schema).eval(), find_device("cpu"))


def written(run: Run) -> dict[str, Any]:
    write_layers(run, run.folder)
    return json.loads((run.folder / "layers.json").read_text())


def test_rows_of_a_convolution_and_a_linear_layer():
    net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Flatten(), nn.Linear(6 * 4 * 4, 10))
    rows = plain_rows(summarize(net, (1, 8, 8)))
    assert json.loads(json.dumps(rows)) == rows
    assert rows[0] == {
        "name": "0", "kind": "Conv2d", "output_shape": [6, 4, 4], "parameters": 6 * 25 + 6,
        "multiply_adds": 6 * 16 * 25,
    }  # fmt: skip
    assert (rows[-1]["parameters"], rows[-1]["multiply_adds"]) == (970, 960)


def test_a_count_that_nobody_knows_is_said_to_be_unknown() -> None:
    rows = plain_rows(summarize_batch(nn.Bilinear(2, 3, 4), (torch.zeros(1, 2), torch.zeros(1, 3))))
    assert [row["multiply_adds"] for row in rows] == ["unknown"]


def test_of_one_dense_input_shapes_and_costs_are_those_of_an_example(tmp_path: Path) -> None:
    found = written(run_of(LeNet5Spec(), image_schema(), tmp_path))
    assert found["of"] == "one example"
    assert found["rows"][0]["output_shape"] == [6, 28, 28]
    assert sum(row["parameters"] for row in found["rows"]) == 61706


@pytest.mark.parametrize("net", OTHERS)
def test_of_other_inputs_they_are_those_of_two_random_examples(net: str, tmp_path: Path) -> None:
    spec = NETS[net]()
    run = run_of(spec, spec.example(), tmp_path)
    before = {name: value.clone() for name, value in run.net.state_dict().items()}
    random = torch.get_rng_state()
    found = written(run)
    assert found["of"] == "a batch of 2 random examples"
    assert sum(row["parameters"] for row in found["rows"]) == sum(p.numel() for p in run.net.parameters())
    assert found["rows"][-1]["output_shape"][0] == 2
    assert all(torch.equal(value, before[name]) for name, value in run.net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert not run.net._forward_pre_hooks


def test_a_net_is_called_as_its_task_calls_it(tmp_path: Path) -> None:
    """A translator sees the target too, up to a token before the last."""
    spec = NETS["encoder-decoder"]()
    run, seen = run_of(spec, spec.example(), tmp_path), list[tuple[int, ...]]()
    inner = run.net.forward

    def forward(*inputs: Tensor) -> Tensor:
        seen.append(tuple(len(x.shape) for x in inputs))
        return inner(*inputs)

    run.net.forward = forward  # type: ignore[method-assign]
    write_layers(run, tmp_path)
    assert set(seen) == {(2, 2, 1)}
