import math

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from torch import nn

from neurarium.checks import DataError, ShapeError
from neurarium.data.assemble import assemble
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.table import Table
from neurarium.learning.loss import Loss
from neurarium.nets.feedforward.regression_specs import LinearSpec
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.model import Model
from neurarium.tasks.regression import Regression, r_squared, regression_metrics

from .small import answered, cases, identity


def noisy(outputs: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(outputs)
    targets = random.normal(50.0, 20.0, (40, outputs)) * np.arange(1, outputs + 1)
    return targets + random.normal(2.0, 8.0, targets.shape), targets


@pytest.mark.parametrize("outputs", [1, 3])
def test_r2_is_scikit_learns(outputs: int) -> None:
    answers, targets = noisy(outputs)
    got = r_squared(torch.from_numpy(answers), torch.from_numpy(targets))
    assert got == pytest.approx(r2_score(targets, answers), rel=1e-12)


def test_float32_far_from_zero_keeps_its_digits() -> None:
    targets = torch.tensor([[100000.0], [100001.0], [100002.0]])
    assert r_squared(targets + torch.tensor([[1.0], [0.0], [0.0]]), targets) == pytest.approx(0.5)


def test_targets_without_variance_have_no_r2() -> None:
    targets = torch.tensor([[1.0, 2.0], [1.0, 3.0]])
    assert math.isnan(r_squared(targets, targets))
    assert r_squared(targets[:, 1:], targets[:, 1:]) == 1.0


def test_metrics_of_one_output() -> None:
    answers, targets = noisy(1)
    found = regression_metrics(torch.from_numpy(answers), torch.from_numpy(targets), ["price"], [48.0])
    plain = np.full_like(targets, 48.0)
    expected = {"R²": r2_score, "RMSE": root_mean_squared_error, "MAE": mean_absolute_error}
    assert [metric.name for metric in found] == list(expected)
    for metric, score in zip(found, expected.values(), strict=True):
        assert metric.value == pytest.approx(score(targets, answers), rel=1e-12)
        assert metric.baseline == pytest.approx(score(targets, plain), rel=1e-12)
        assert metric.higher_is_better == (metric.name == "R²")
    assert found[0].baseline is not None
    assert found[0].baseline < 0  # the mean of other examples is worse than their own


def test_each_output_has_its_own_errors() -> None:
    answers, targets = noisy(2)
    found = regression_metrics(torch.from_numpy(answers), torch.from_numpy(targets), ["a", "b"], [0.0, 1.0])
    values = {metric.name: metric for metric in found}
    assert list(values) == ["R²", "RMSE of a", "MAE of a", "RMSE of b", "MAE of b"]
    for k, name in enumerate("ab"):
        assert values[f"RMSE of {name}"].value == pytest.approx(
            root_mean_squared_error(targets[:, k], answers[:, k]), rel=1e-12
        )
        assert values[f"MAE of {name}"].baseline == pytest.approx(np.abs(targets[:, k] - k).mean(), rel=1e-12)


def test_scores_by_scikit_learn_in_the_units_of_the_source() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 3))
    targets = np.column_stack([1000 + 50 * x[:, 0], x[:, 1] * 0.01]) + 0.001 * random.normal(size=(80, 2))
    schema = Schema({"x": Field((3,))}, {"y": Field((2,), names=("price", "fraction"))})
    whole = Table((torch.from_numpy(x),), (torch.from_numpy(targets),), schema)
    data = assemble("toy", {"train": whole}, provenance="made up")
    torch.manual_seed(3)
    net = LinearSpec().build(data.schema)
    task = Regression.build(LinearSpec(), Loss(), data.schema, {})
    found = task.score(Model(net, torch.device("cpu")), data, "test")
    assert (found.task, found.examples) == ("regression", len(data.test))
    inputs, target = data.schema.input, data.schema.target
    index = torch.arange(len(data.test))
    stored = next(iter(data.test.pieces("x"))).double().numpy()  # as they came
    seen = (stored - np.array(inputs.mean)) / np.array(inputs.std)
    weight, bias = (p.detach().double().numpy() for p in net.parameters())
    answers = seen @ weight.T + bias
    said = answers * np.array(target.std) + np.array(target.mean)
    scaled = data.test.target("y").double().numpy()
    true = scaled * np.array(target.std) + np.array(target.mean)
    assert np.abs(true - targets[:, None]).sum(2).min(0).max() < 1e-3  # each of them is one that was given
    assert found.value("R²") == pytest.approx(r2_score(true, said), rel=1e-4)
    assert found.value("MAE of price") == pytest.approx(mean_absolute_error(true[:, 0], said[:, 0]), rel=1e-5)
    assert found.value("MAE of fraction") == pytest.approx(mean_absolute_error(true[:, 1], said[:, 1]), rel=1e-3)
    # squared error: half the sum over the outputs, mean over the examples
    assert found.loss == pytest.approx(((answers - scaled) ** 2).sum(1).mean() / 2, rel=1e-5)
    np.testing.assert_allclose(found.arrays["answers"], said, rtol=1e-4)
    prediction = task.predict(Model(net, torch.device("cpu")), data.test.gather(index))
    np.testing.assert_allclose(prediction.values, said, rtol=1e-4)
    assert (prediction.columns, prediction.labels, len(prediction)) == (("price", "fraction"), (), len(data.test))


def test_more_than_a_batch_of_examples_is_measured_whole() -> None:
    random = np.random.default_rng(0)
    answers, targets = random.normal(size=(2, 2500, 1)).astype(np.float32)
    targets = answers + 0.1 * targets
    data = answered(torch.from_numpy(answers), torch.from_numpy(targets), Field((1,), names=("y",)))
    task = Regression.build(NetSpec(), Loss("absolute-error"), data.schema, {})
    found = task.score(identity(), data, "test")
    assert found.loss == pytest.approx(np.abs(answers - targets).mean(), rel=1e-5)
    assert found.value("MAE") == pytest.approx(mean_absolute_error(targets, answers), rel=1e-5)
    assert found.value("R²") == pytest.approx(r2_score(targets, answers), rel=1e-5)


def test_a_single_number_an_example_is_a_row_of_one() -> None:
    """Targets of shape () and (1,) are the same to the loss: 1/2 of the mean square, by hand."""
    schema = Schema({"x": Field((2,))}, {"energy": Field((), names=("energy",))})
    task = Regression.build(NetSpec(), Loss(), schema, {})
    outputs, targets = torch.tensor([[1.0], [3.0]]), torch.tensor([0.0, 0.0])
    for given in (targets, targets[:, None]):
        batch = Batch((outputs,), (given,), 2)
        assert task.counts(batch).tolist() == [2.0, 2.0]
        assert float(task.loss(outputs, batch, task.counts(batch))) == (1 + 9) / 4
        assert float(task.error(outputs, batch, task.counts(batch))) == (1 + 9) / 2
        task.check(outputs, batch)


def test_targets_of_many_lengths_are_refused() -> None:
    schema = Schema({"x": Field((2,))}, {"y": Field((None, 2), axis="time")})
    with pytest.raises(DataError, match=r"target: expected as many numbers for each example.*loss of your own"):
        Regression.build(NetSpec(), Loss(), schema, {})


def test_targets_that_are_tensors_are_an_entry_a_place() -> None:
    """Two outputs at 2 x 3 places: loss, error and scores by hand; a batch counts its places."""
    random = np.random.default_rng(0)
    said, true = random.normal(size=(2, 5, 2, 2, 3))
    x, y = (torch.from_numpy(z).float() for z in (said, true))
    schema = Schema(
        {"x": Field((2, 2, 3))}, {"y": Field((2, 2, 3), names=("a", "b"), mean=(1.0, -1.0), std=(2.0, 3.0))}
    )
    task = Regression.build(NetSpec(), Loss(), schema, {})
    batch = Batch((x,), (y,), 5)
    counts = task.counts(batch)
    assert counts.tolist() == [30.0, 30.0]
    assert float(task.loss(x, batch, counts)) == pytest.approx(((said - true) ** 2).sum() / 30 / 2, rel=1e-5)
    assert float(task.errors(x, batch)) == pytest.approx(((said - true) ** 2).mean(1).sum(), rel=1e-5)
    task.check(x, batch)
    with pytest.raises(ShapeError, match=r"\(5, 2, 2, 3\)"):
        task.check(x.flatten(2), batch)
    examples = Table((x,), (y,), schema)
    data, model = Dataset("d", examples, examples, examples, schema), Model(nn.Identity(), torch.device("cpu"))
    rmse = {metric.name: metric.value for metric in task.score(model, data, "test").metrics}
    for k, (name, std) in enumerate((("a", 2.0), ("b", 3.0))):
        assert rmse[f"RMSE of {name}"] == pytest.approx(std * ((said - true)[:, k] ** 2).mean() ** 0.5, rel=1e-5)
    found = task.predict(model, batch)
    assert (found.values.shape, found.counts) == ((30, 2), (6,) * 5)
    np.testing.assert_allclose(found.values[6:12, 1], said[1, 1].ravel() * 3 - 1, rtol=1e-5)


def test_predictions_of_a_case_by_numpy() -> None:
    case = cases()["regression"]
    found = case.task.predict(case.model, case.batch())
    weight = [p.detach().numpy() for p in case.net.parameters()]
    hidden = np.tanh(case.batch().x.numpy() @ weight[0].T + weight[1])
    np.testing.assert_allclose(found.values, (hidden @ weight[2].T + weight[3]) * [2.0, 0.5] + [3.0, -1.0], rtol=1e-9)
