import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from neurarium import api
from neurarium.checks import ConfigError, DataError, NonFiniteError, RunError, ShapeError
from neurarium.data.dataset import Dataset
from neurarium.data.table import Table
from neurarium.learning.loss import Loss
from neurarium.nets.convolutional.deep_specs import SmallVGGSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.schema import Schema
from neurarium.record.sealed import read_settings, write_settings
from neurarium.training.fast_inference import FastNet
from neurarium.training.recipe import Checkpoints, Recipe
from neurarium.training.run import load_run
from neurarium.training.session import start

from ..conftest import make_toy

pytestmark = pytest.mark.usefixtures("undrawn")

RECIPE = Recipe(name="t", net=MLPSpec(hidden=(8,)), epochs=3, batch_size=30, checkpoints=Checkpoints(seconds=1e9))


def raw_of(data: Dataset) -> torch.Tensor:
    """The test examples as they came."""
    return torch.cat(list(data.test.pieces(next(iter(data.schema.inputs)))))


@pytest.fixture
def folder(images: Dataset, tmp_path: Path) -> Path:
    list(start(RECIPE, tmp_path / "run", images).events())
    return tmp_path / "run"


def test_loaded_run_answers_as_the_trained_net(folder: Path, images: Dataset) -> None:
    run = load_run(folder)
    raw = raw_of(images)
    mean, std = images.schema.input.mean[0], images.schema.input.std[0]
    with torch.no_grad():
        logits = run.net((raw.float() - mean) / std).double().numpy()
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    prediction = run.predict(raw)
    np.testing.assert_allclose(prediction.probabilities, expected, rtol=1e-5)
    assert prediction.labels[0] == images.schema.classes[int(expected[0].argmax())]
    np.testing.assert_allclose(run.predict(raw.numpy()).probabilities, prediction.probabilities)


@pytest.fixture
def normalized(images: Dataset, tmp_path: Path) -> Path:
    recipe = replace(RECIPE, net=SmallVGGSpec(width=4), epochs=1)
    list(start(recipe, tmp_path / "conv", images).events())
    return tmp_path / "conv"


def test_prepared_run_answers_as_the_run_itself(normalized: Path, images: Dataset) -> None:
    run = load_run(normalized)
    fast = run.for_inference(precision="float32")
    assert fast.net.choice.folded > 0  # type: ignore[union-attr]
    raw = raw_of(images)
    np.testing.assert_allclose(fast.predict(raw).probabilities, run.predict(raw).probabilities, atol=1e-5)
    assert fast.evaluate(images).accuracy == run.evaluate(images).accuracy
    assert not isinstance(run.net, FastNet)


def test_prepared_run_tries_the_inputs(normalized: Path, images: Dataset) -> None:
    run, raw = load_run(normalized), raw_of(images)
    for precision in ("auto", "bfloat16"):
        fast = run.for_inference(raw.numpy(), precision)
        same = (fast.predict(raw).indices == run.predict(raw).indices).mean()
        assert fast.net.choice.same_classes == pytest.approx(same)  # type: ignore[union-attr]
        assert precision == "bfloat16" or same == 1


def test_preparing_refuses_other_inputs_and_formats(normalized: Path) -> None:
    run = load_run(normalized)
    with pytest.raises(ShapeError):
        run.for_inference(torch.zeros(3, 1, 5, 5))
    with pytest.raises(ConfigError, match="int8"):
        run.for_inference(precision="int8")


def test_one_example_will_do(folder: Path, images: Dataset) -> None:
    assert load_run(folder).predict(raw_of(images)[0]).probabilities.shape == (1, 5)


def test_scores_by_numpy(folder: Path, images: Dataset) -> None:
    run = load_run(folder)
    found = run.evaluate(images)
    answers, truth = run.predict(raw_of(images)).indices, images.test.target("label").numpy()
    assert found.accuracy == pytest.approx((answers == truth).mean())
    confusion = np.zeros((5, 5), dtype=int)
    np.add.at(confusion, (truth, answers), 1)
    np.testing.assert_array_equal(found.details["confusion"], confusion)
    chosen = run.predict(raw_of(images)).probabilities[np.arange(50), truth]
    assert found.loss == pytest.approx(-np.log(chosen).mean(), rel=1e-4)
    row = found.details["per_class"][2]
    assert row["recall"] == pytest.approx(confusion[2, 2] / confusion[2].sum())


def test_wrong_shapes(folder: Path) -> None:
    run = load_run(folder)
    with pytest.raises(ShapeError, match=r"\(examples, 1, 28, 28\)"):
        run.predict(torch.zeros(3, 1, 20, 20))
    with pytest.raises(ShapeError, match="at least one"):
        run.predict(torch.zeros(0, 1, 28, 28))


def test_other_data(folder: Path, vectors: Dataset, images: Dataset) -> None:
    run = load_run(folder)
    with pytest.raises(
        DataError, match=r"like those it learned from: image \(1, 28, 28\), in the classes .* got features \(12,\)"
    ):
        run.evaluate(vectors)
    other = make_toy((1, 28, 28), 5, (10, 5, 0))
    with pytest.raises(DataError, match="empty split"):
        run.evaluate(other)


def test_another_data_set_is_scaled_as_the_net_learned(folder: Path, images: Dataset) -> None:
    run = load_run(folder)
    shifted = replace(images.schema.input, mean=(0.0,), std=(1.0,))
    rescaled = images.with_schema(images.schema.with_fields(image=shifted))
    assert rescaled.test.gather(torch.arange(3)).x.max() > 100
    assert run.evaluate(rescaled).to_plain() == run.evaluate(images).to_plain()
    predictions = [run.predict(examples).probabilities for examples in (images.test, rescaled.test, raw_of(images))]
    for prediction in predictions[1:]:
        np.testing.assert_allclose(prediction, predictions[0], rtol=1e-6)


def test_the_same_classes_in_another_order_are_the_same(folder: Path, images: Dataset) -> None:
    """Class numbers are those of the run, whatever numbers a data set gives the names."""
    run, names = load_run(folder), images.schema.classes
    turned = replace(images.schema.target, categories=names[::-1])
    other = images.with_schema(images.schema.with_fields(label=turned))
    assert other.test.target("label").tolist() == [4 - k for k in images.test.target("label").tolist()]
    assert run.evaluate(other).to_plain() == run.evaluate(images).to_plain()
    unknown = replace(images.schema.target, categories=(*names[:4], "bird"))
    strange = replace(images, test=replace(images.test, schema=images.schema.with_fields(label=unknown)))
    with pytest.raises(DataError, match=r"one of the 5 categories that were learned, got 'bird'"):
        run.evaluate(strange)
    # to predict nobody asks what they are
    assert run.predict(strange.test).labels == run.predict(images.test).labels


class OfRows(nn.Module):
    """Classes of series, by their mean over time."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(12, 3)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.output(x.sum(1) / lengths[:, None])


def test_examples_of_any_kind_are_predicted(series: Dataset, tmp_path: Path) -> None:
    list(start(Recipe(epochs=1, threads=1), tmp_path / "run", series, OfRows()).events())
    run = load_run(tmp_path / "run", OfRows())
    found = run.predict(series.test)
    assert (found.probabilities.shape, found.classes) == ((18, 3), ("slow", "middle", "fast"))
    alone = [run.predict(series.test.select(torch.tensor([k]))).probabilities[0] for k in range(18)]
    np.testing.assert_allclose(found.probabilities, alone, rtol=1e-5)
    accuracy = (found.indices == series.test.target("label").numpy()).mean()
    assert run.evaluate(series).accuracy == pytest.approx(accuracy)
    assert len(run.predict(torch.zeros(3, 5, 12))) == len(run.examples(torch.zeros(3, 5, 12))) == 3
    with pytest.raises(ShapeError, match=r"one tensor of numbers, of the same shape.*series \(time x 12\)"):
        run.for_inference(torch.zeros(3, 5, 12))


def test_a_loss_of_ones_own_is_not_needed_to_measure(vectors: Dataset, tmp_path: Path) -> None:
    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.multi_margin_loss(logits, labels)

    plan = replace(RECIPE, loss=Loss("custom"))
    list(start(plan, tmp_path / "run", vectors, own_loss=loss).events())
    run = load_run(tmp_path / "run")
    fractions = run.predict(raw_of(vectors)).probabilities
    truth = vectors.test.target("label").numpy()
    found = run.evaluate(vectors)
    assert found.accuracy == pytest.approx((fractions.argmax(1) == truth).mean())
    assert found.loss == pytest.approx(-np.log(fractions[np.arange(30), truth]).mean(), rel=1e-4)


@pytest.mark.parametrize("balanced", [True, False])
def test_balanced_classes_are_those_of_the_data_that_are_measured(
    balanced: bool, vectors: Dataset, tmp_path: Path
) -> None:
    """20 training examples of the first class, 30 of the others: their weights are 80/60 and 80/90."""
    uneven = replace(vectors, train=vectors.train.select(torch.tensor([k for k in range(90) if k % 3 or k < 60])))
    loss = Loss(balanced=True) if balanced else Loss(class_weights=(80 / 60, 80 / 90, 80 / 90))
    list(start(replace(RECIPE, loss=loss), tmp_path / "run", uneven).events())
    run = load_run(tmp_path / "run")
    fractions, truth = run.predict(raw_of(uneven)).probabilities, uneven.test.target("label").numpy()
    weights = np.array([80 / 60, 80 / 90, 80 / 90])[truth]
    expected = np.average(-np.log(fractions[np.arange(30), truth]), weights=weights)
    assert run.evaluate(uneven).loss == pytest.approx(expected, rel=1e-4)


def test_history_has_an_entry_an_epoch(folder: Path) -> None:
    history = load_run(folder).history
    assert [entry["epoch"] for entry in history] == [1, 2, 3]
    assert {"train", "validation", "gradient_norm", "learning_rate", "seconds"} <= set(history[0])


def test_damaged_weights_fall_back_to_the_checkpoint(folder: Path, images: Dataset) -> None:
    before = load_run(folder).predict(raw_of(images)).probabilities
    (folder / "weights.safetensors").write_bytes(b"damaged")
    run = load_run(folder)
    np.testing.assert_array_equal(run.predict(raw_of(images)).probabilities, before)
    assert "newest checkpoint" in run.notices[0]


def test_run_that_has_not_begun(images: Dataset, tmp_path: Path) -> None:
    start(RECIPE, tmp_path / "run", images)
    with pytest.raises(RunError, match="neurarium resume"):
        load_run(tmp_path / "run")


def test_config_of_another_net(folder: Path) -> None:
    plain, earlier = read_settings(folder / "config.toml")
    plain["net"]["hidden"] = [9]
    write_settings(folder / "config.toml", plain)
    with pytest.raises(RunError, match=r"config\.toml: expected the file by which the weights"):
        load_run(folder)
    write_settings(folder / "config.toml", plain, earlier)
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
    plan = Recipe(task="reconstruction", epochs=2, batch_size=30, threads=1, device="cpu")
    run = api.train(plan, net=module, data=vectors, out=tmp_path / "run", progress=False)
    scores = json.loads((run.folder / "scores.json").read_text(encoding="utf-8"))
    assert scores["task"] == "reconstruction"
    assert [metric["name"] for metric in scores["metrics"]] == ["PSNR", "variance explained"]
    assert "learned to reconstruct" in (run.folder / "report.html").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="reconstruction"):
        run.predict(raw_of(vectors))


SERIES = [np.random.default_rng(k).normal(size=(3 + k % 3, 2)) for k in range(40)]


@pytest.fixture(scope="module")
def series_run(tmp_path_factory: pytest.TempPathFactory):
    plan = replace(api.recipe("vowels"), epochs=1)
    return api.train(plan, data=(SERIES, [k % 2 for k in range(40)]), out=tmp_path_factory.mktemp("s") / "r")


def test_predicts_series_in_hand(series_run):
    together = series_run.predict(SERIES[:5])
    alone = [series_run.predict([one]).values[0] for one in SERIES[:5]]
    np.testing.assert_allclose(together.values, alone, atol=1e-6)
    same_length = series_run.predict(np.stack([SERIES[0], SERIES[3]]))
    np.testing.assert_allclose(same_length.values, together.values[[0, 3]], atol=1e-6)


@pytest.mark.parametrize("inputs", ["abc", [np.ones((0, 2)), np.ones((3, 2))], [np.ones((3, 3))], [np.ones(3)], [], 7])
def test_refuses_what_is_no_series(series_run, inputs):
    with pytest.raises((ShapeError, DataError)):
        series_run.predict(inputs)


def test_predicts_text_in_hand(tmp_path):
    run = api.train(replace(api.recipe("digit-count"), epochs=1), out=tmp_path / "r")
    both, one = run.predict(["two hundred", "five"]), run.predict(["five"])
    np.testing.assert_allclose(both.values[1], one.values[0], atol=1e-6)
    with pytest.raises(DataError, match="'zorp'"):
        run.predict(["two zorp"])
    with pytest.raises(ShapeError, match="strings for text"):
        run.predict([3])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_inputs_that_are_not_finite_get_no_answer(folder: Path, images: Dataset, value: float) -> None:
    run, inputs = load_run(folder), raw_of(images).double()
    inputs[3, 0, 2, 5] = value
    with pytest.raises(DataError, match=r"inputs, image, row 3, column 0, 2, 5 \(from 0\): expected a finite number"):
        run.predict(inputs)
    with pytest.raises(DataError, match="row 3"):
        run.predict(Table((inputs,), (), Schema(images.schema.inputs)))


def test_answers_that_are_not_finite_are_none(folder: Path, images: Dataset) -> None:
    run = load_run(folder)
    with torch.no_grad():
        next(run.net.parameters()).fill_(float("inf"))
    with pytest.raises(NonFiniteError, match="answer 0"):
        run.predict(raw_of(images))
