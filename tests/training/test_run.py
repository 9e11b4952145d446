import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from neurarium import api
from neurarium.checks import ConfigError, DataError, RunError, ShapeError
from neurarium.data.dataset import Dataset
from neurarium.learning.objective import Objective
from neurarium.nets.convolutional.deep_specs import SmallVGGSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.training.evaluation import evaluate
from neurarium.training.fast_inference import FastNet
from neurarium.training.recipe import Checkpoints, Recipe
from neurarium.training.run import load_run
from neurarium.training.session import start

from ..conftest import make_toy

RECIPE = Recipe(name="t", net=MLPSpec(hidden=(8,)), epochs=3, batch_size=30, checkpoints=Checkpoints(seconds=1e9))


@pytest.fixture
def folder(images: Dataset, tmp_path: Path) -> Path:
    list(start(RECIPE, tmp_path / "run", images).events())
    return tmp_path / "run"


def test_loaded_run_answers_as_the_trained_net(folder: Path, images: Dataset) -> None:
    run = load_run(folder)
    raw = images.test.inputs
    mean, std = images.scaling.mean[0], images.scaling.std[0]
    with torch.no_grad():
        logits = run.net((raw.float() - mean) / std).double().numpy()
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    prediction = run.predict(raw)
    np.testing.assert_allclose(prediction.probabilities, expected, rtol=1e-5)
    assert prediction.labels[0] == images.classes[int(expected[0].argmax())]
    np.testing.assert_allclose(run.predict(raw.numpy()).probabilities, prediction.probabilities)


@pytest.fixture
def normalised(images: Dataset, tmp_path: Path) -> Path:
    recipe = replace(RECIPE, net=SmallVGGSpec(width=4), epochs=1)
    list(start(recipe, tmp_path / "conv", images).events())
    return tmp_path / "conv"


def test_prepared_run_answers_as_the_run_itself(normalised: Path, images: Dataset) -> None:
    run = load_run(normalised)
    fast = run.prepared(precision="float32")
    assert fast.net.choice.folded > 0  # type: ignore[union-attr]
    raw = images.test.inputs
    np.testing.assert_allclose(fast.predict(raw).probabilities, run.predict(raw).probabilities, atol=1e-5)
    assert fast.evaluate(images).accuracy == run.evaluate(images).accuracy
    assert not isinstance(run.net, FastNet)


def test_prepared_run_tries_the_inputs(normalised: Path, images: Dataset) -> None:
    run, raw = load_run(normalised), images.test.inputs
    for precision in ("auto", "bfloat16"):
        fast = run.prepared(raw.numpy(), precision)
        same = (fast.predict(raw).indices == run.predict(raw).indices).mean()
        assert fast.net.choice.same_classes == pytest.approx(same)  # type: ignore[union-attr]
        assert precision == "bfloat16" or same == 1


def test_preparing_refuses_other_inputs_and_formats(normalised: Path) -> None:
    run = load_run(normalised)
    with pytest.raises(ShapeError):
        run.prepared(torch.zeros(3, 1, 5, 5))
    with pytest.raises(ConfigError, match="int8"):
        run.prepared(precision="int8")


def test_one_example_will_do(folder: Path, images: Dataset) -> None:
    assert load_run(folder).predict(images.test.inputs[0]).probabilities.shape == (1, 5)


def test_scores_by_numpy(folder: Path, images: Dataset) -> None:
    run = load_run(folder)
    found = run.evaluate(images)
    answers, truth = run.predict(images.test.inputs).indices, images.test.targets.numpy()
    assert found.accuracy == pytest.approx((answers == truth).mean())
    confusion = np.zeros((5, 5), dtype=int)
    np.add.at(confusion, (truth, answers), 1)
    np.testing.assert_array_equal(found.confusion, confusion)
    chosen = run.predict(images.test.inputs).probabilities[np.arange(50), truth]
    assert found.objective == pytest.approx(-np.log(chosen).mean(), rel=1e-4)
    row = found.per_class()[2]
    assert row["recall"] == pytest.approx(confusion[2, 2] / confusion[2].sum())


def test_mistakes_come_most_confident_first(images: Dataset) -> None:
    class Constant(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = torch.zeros(len(x), 5)
            out[:, 1] = torch.arange(len(x)).float()
            return out

    from neurarium.training.device import find_placement

    found = evaluate(Constant(), images.test, Objective().build(), images.classes, find_placement("cpu"))
    wrong = [i for i in range(50) if i % 5 != 1 and i > 0]  # at i = 0 all outputs tie and class 0 is the answer
    # confidences of float32 saturate at 1: ties keep the order in which the examples lie
    assert sorted(found.mistakes.tolist()) == wrong
    assert (np.diff(found.confidence[found.mistakes]) <= 0).all()


def test_wrong_shapes(folder: Path) -> None:
    run = load_run(folder)
    with pytest.raises(ShapeError, match=r"\(examples, 1, 28, 28\)"):
        run.predict(torch.zeros(3, 1, 20, 20))
    with pytest.raises(ShapeError, match="at least one"):
        run.predict(torch.zeros(0, 1, 28, 28))


def test_other_data(folder: Path, vectors: Dataset, images: Dataset) -> None:
    run = load_run(folder)
    with pytest.raises(DataError, match="shape"):
        run.evaluate(vectors)
    other = make_toy((1, 28, 28), 5, (10, 5, 0))
    with pytest.raises(DataError, match="empty split"):
        run.evaluate(other)


def test_another_data_set_is_scaled_as_the_net_learnt(folder: Path, images: Dataset) -> None:
    run = load_run(folder)
    shifted = replace(images.scaling, mean=(0.0,), std=(1.0,))
    relabelled = replace(images, test=images.test.with_scaling(shifted), scaling=shifted)
    assert run.evaluate(relabelled).accuracy == run.evaluate(images).accuracy


def test_history_has_an_entry_an_epoch(folder: Path) -> None:
    history = load_run(folder).history
    assert [entry["epoch"] for entry in history] == [1, 2, 3]
    assert {"train", "development", "gradient_norm", "learning_rate", "seconds"} <= set(history[0])


def test_damaged_weights_fall_back_to_the_checkpoint(folder: Path, images: Dataset) -> None:
    before = load_run(folder).predict(images.test.inputs).probabilities
    (folder / "weights.safetensors").write_bytes(b"damaged")
    run = load_run(folder)
    np.testing.assert_array_equal(run.predict(images.test.inputs).probabilities, before)
    assert "newest checkpoint" in run.notices[0]


def test_run_that_has_not_begun(images: Dataset, tmp_path: Path) -> None:
    start(RECIPE, tmp_path / "run", images)
    with pytest.raises(RunError, match="neurarium resume"):
        load_run(tmp_path / "run")


def test_config_of_another_net(folder: Path) -> None:
    config = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(config.replace("    8,", "    9,"))
    with pytest.raises(RunError, match="size mismatch"):
        load_run(folder)


def test_own_module_must_be_passed(images: Dataset, tmp_path: Path) -> None:
    def make() -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 5))

    list(start(Recipe(epochs=1), tmp_path / "own", images, make()).events())
    with pytest.raises(ValueError, match="pass it"):
        load_run(tmp_path / "own")
    assert load_run(tmp_path / "own", make()).evaluate(images).accuracy >= 0


def test_a_module_of_ones_own_that_reconstructs(vectors: Dataset, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(12, 4), nn.Linear(4, 12))
    plan = Recipe(objective=Objective("reconstruction"), epochs=2, batch_size=30, threads=1, device="cpu")
    run = api.train(plan, net=module, data=vectors, out=tmp_path / "run", progress=False)
    scores = json.loads((run.folder / "scores.json").read_text(encoding="utf-8"))
    assert scores["task"] == "reconstruction"
    assert [measure["name"] for measure in scores["measures"]] == ["PSNR", "variance explained"]
    assert "give vectors back" in (run.folder / "report.html").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="reconstruction"):
        run.predict(vectors.test.inputs)
