import json
from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.data.dataset import Dataset
from neurarium.data.table import Table
from neurarium.nets.convolutional.specs import LeNet5Spec
from neurarium.record.schema import Schema
from neurarium.training.export import export
from neurarium.training.recipe import Recipe
from neurarium.training.run import Run, load_run
from neurarium.training.session import start


@pytest.fixture
def run(images: Dataset, tmp_path: Path) -> Run:
    list(start(Recipe(name="t", net=LeNet5Spec(), epochs=1), tmp_path / "run", images).events())
    return load_run(tmp_path / "run")


def raw_of(data: Dataset) -> torch.Tensor:
    assert isinstance(data.test, Table)
    return data.test.inputs[0]


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


@pytest.mark.parametrize("count", [1, 7])
def test_torch_export_answers_alike_on_raw_pixels(run: Run, images: Dataset, count: int) -> None:
    path = export(run, "torch-export")
    module = torch.export.load(path).module()
    raw = raw_of(images)[:count].float()
    expected = run.predict(raw_of(images)[:count]).probabilities
    np.testing.assert_allclose(softmax(module(raw).detach().numpy()), expected, atol=1e-5)


def test_onnx_answers_alike_on_raw_pixels(run: Run, images: Dataset) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        path = export(run, "onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for count in (1, 7):
        (logits,) = session.run(None, {"inputs": raw_of(images)[:count].float().numpy()})
        expected = run.predict(raw_of(images)[:count]).probabilities
        np.testing.assert_allclose(softmax(logits), expected, atol=1e-5)


def test_safetensors_hold_weights_and_what_is_needed_to_use_them(run: Run) -> None:
    from safetensors import safe_open

    with safe_open(export(run, "safetensors"), framework="pt") as file:
        assert file.metadata()["recipe"] == "t"
        assert Schema.from_plain(json.loads(file.metadata()["schema"])) == run.schema
        for name, tensor in run.net.state_dict().items():
            assert torch.equal(file.get_tensor(name), tensor)


def test_net_still_works_afterwards(run: Run, images: Dataset) -> None:
    before = run.predict(raw_of(images)).probabilities
    export(run, "torch-export")
    np.testing.assert_array_equal(run.predict(raw_of(images)).probabilities, before)


def test_unknown_format(run: Run) -> None:
    with pytest.raises(ConfigError, match="did you mean onnx"):
        export(run, "onx")


def test_only_weights_of_a_net_that_takes_no_single_tensor(series: Dataset, tmp_path: Path) -> None:
    class Mean(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.output = torch.nn.Linear(12, 3)

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return self.output(x.sum(1) / lengths[:, None])

    list(start(Recipe(name="t", epochs=1), tmp_path / "run", series, Mean()).events())
    run = load_run(tmp_path / "run", Mean())
    for to in ("torch-export", "onnx"):
        with pytest.raises(ShapeError, match=rf"export to {to} input: expected one tensor of numbers.*time x 12"):
            export(run, to)
    assert export(run, "safetensors").exists()
