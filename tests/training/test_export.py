import json
from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.data.dataset import Dataset
from neurarium.nets.convolutional.specs import LeNet5Spec
from neurarium.training.export import export
from neurarium.training.recipe import Recipe
from neurarium.training.run import Run, load_run
from neurarium.training.session import start


@pytest.fixture
def run(images: Dataset, tmp_path: Path) -> Run:
    list(start(Recipe(name="t", net=LeNet5Spec(), epochs=1), tmp_path / "run", images).events())
    return load_run(tmp_path / "run")


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


@pytest.mark.parametrize("count", [1, 7])
def test_torch_export_answers_alike_on_raw_pixels(run: Run, images: Dataset, count: int) -> None:
    path = export(run, "torch-export")
    module = torch.export.load(path).module()
    raw = images.test.inputs[:count].float()
    expected = run.predict(images.test.inputs[:count]).probabilities
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
        (logits,) = session.run(None, {"inputs": images.test.inputs[:count].float().numpy()})
        expected = run.predict(images.test.inputs[:count]).probabilities
        np.testing.assert_allclose(softmax(logits), expected, atol=1e-5)


def test_safetensors_hold_weights_and_what_is_needed_to_use_them(run: Run) -> None:
    from safetensors import safe_open

    with safe_open(export(run, "safetensors"), framework="pt") as file:
        assert json.loads(file.metadata()["classes"]) == list(run.classes)
        assert json.loads(file.metadata()["scaling"]) == run.scaling.to_dict()
        for name, tensor in run.net.state_dict().items():
            assert torch.equal(file.get_tensor(name), tensor)


def test_net_still_works_afterwards(run: Run, images: Dataset) -> None:
    before = run.predict(images.test.inputs).probabilities
    export(run, "torch-export")
    np.testing.assert_array_equal(run.predict(images.test.inputs).probabilities, before)


def test_unknown_format(run: Run) -> None:
    with pytest.raises(ConfigError, match="did you mean onnx"):
        export(run, "onx")
