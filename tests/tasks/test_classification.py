import json

import numpy as np
import pytest
import torch
from scipy import special, stats
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
    recall_score,
    roc_auc_score,
)
from sklearn.utils.class_weight import compute_sample_weight
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError
from neurarium.data.assemble import assemble
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.table import Table
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.classification import Classification, classification_metrics, per_class
from neurarium.tasks.interval import wilson_interval
from neurarium.tasks.scores import Scores
from neurarium.tasks.table import task_of
from neurarium.training.recipe import Recipe

from ..conftest import make_toy
from .small import POINTS, WEIGHTS, Case, PerPoint, answered, cases, double, identity, make

NAMES = ("a", "b", "c", "never said", "never there")
LABEL = Field((), categories=NAMES)


def asked(schema: Schema, loss: Loss | None = None) -> Classification:
    return Classification.build(NetSpec(), loss or Loss(), schema, {})


def says(count: int = 2300) -> Dataset:
    """Examples that are themselves the answers: class 3 is never said, class 4 never right."""
    random = np.random.default_rng(0)
    targets = random.integers(0, 4, count)
    logits = random.normal(size=(count, 5)) + 1.5 * np.eye(5)[targets]
    logits[:, 3] = -9.0
    return answered(torch.from_numpy(logits).float(), torch.from_numpy(targets), LABEL)


def score(data: Dataset, loss: Loss | None = None) -> Scores:
    return asked(data.schema, loss).score(identity(), data, "test")


def test_scores_are_scikit_learns() -> None:
    data = says()
    found = score(data)
    logits, truth = (t.double().numpy() for t in (data.test.gather(torch.arange(2300)).x, data.test.target("target")))
    truth, said = truth.astype(int), logits.argmax(1)
    np.testing.assert_array_equal(found.details["confusion"], confusion_matrix(truth, said, labels=range(5)))
    np.testing.assert_array_equal(found.arrays["predicted"], said)
    assert (found.task, found.split, found.data, found.examples) == ("classification", "test", "toy", 2300)
    assert found.accuracy == pytest.approx((truth == said).mean())
    accuracy, balanced = found.metrics
    assert balanced.value == pytest.approx(recall_score(truth, said, labels=np.unique(truth), average="macro"))
    assert balanced.baseline == pytest.approx(1 / len(np.unique(truth)))
    assert accuracy.interval == wilson_interval(int((truth == said).sum()), 2300)
    assert accuracy.baseline == pytest.approx(np.bincount(truth).max() / 2300)
    fractions = special.softmax(logits, axis=1)
    assert found.loss == pytest.approx(log_loss(truth, fractions, labels=range(5)), rel=1e-5)
    np.testing.assert_allclose(found.arrays["confidence"], fractions.max(1), rtol=1e-5)
    rows = found.details["per_class"]
    expected = precision_recall_fscore_support(truth, said, labels=range(5), zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "examples"), expected, strict=True):
        np.testing.assert_allclose([row[name] for row in rows], values, rtol=1e-12)
    assert [row["class"] for row in rows] == list(NAMES)


def test_two_classes_are_ranked_as_scikit_learn_ranks_them() -> None:
    random = np.random.default_rng(3)
    truth = (random.random(400) < 0.25).astype(int)
    logits = (random.normal(size=(400, 2)) * 4).round() / 4 + 40 * random.integers(0, 2, (400, 1)) * np.eye(2)[truth]
    kinds = Field((), categories=("common", "rare"))
    found = score(answered(torch.from_numpy(logits).float(), torch.from_numpy(truth), kinds))
    margin = logits[:, 1] - logits[:, 0]  # whose softmax is 1 in 32 bits from 17 on
    assert found.value("AUC") == pytest.approx(roc_auc_score(truth, margin), abs=1e-12)
    assert found.value("average precision") == pytest.approx(average_precision_score(truth, margin), abs=1e-12)
    assert [m.baseline for m in found.metrics[2:]] == [0.5, pytest.approx(truth.mean())]
    alone = score(answered(torch.from_numpy(logits[truth == 1]).float(), torch.ones(truth.sum()).long(), kinds))
    assert [m.name for m in alone.metrics] == ["accuracy", "balanced accuracy"]
    assert alone.metrics[0].remedy == ""


@pytest.mark.parametrize(
    ("right", "count", "most", "guessed"),
    [(77, 100, 75, True), (83, 100, 75, True), (84, 100, 75, False), (10, 100, 10, True), (19, 100, 10, False)],
)
def test_what_counts_as_a_guess(right: int, count: int, most: int, guessed: bool) -> None:
    """The most frequent class lies within the 95 % interval of the accuracy, by SciPy: from 0.756 on for 84 of 100."""
    truth = np.array([0] * most + [1 + k % (1 if most > 50 else 9) for k in range(count - most)])
    classes = int(truth.max()) + 1
    said = truth.copy()
    said[::-1][: count - right] = (said[::-1][: count - right] + 1) % classes
    confusion = confusion_matrix(truth, said, labels=range(classes))
    found = classification_metrics(np.eye(classes)[said], truth, confusion, tuple(map(str, range(classes))))[0]
    low = stats.binomtest(right, count).proportion_ci(method="wilson").low
    assert bool(found.remedy) == (low <= most / count) == guessed
    assert ("balanced" in found.remedy) == (guessed and most > 50)


def test_the_loss_of_scores_is_that_of_all_batches_together() -> None:
    """2300 examples are three batches; their classes have weights, so that a mean of means would be another number."""
    data, weights = says(), np.array([0.1, 1.0, 5.0, 20.0, 1.0])
    found = score(data, Loss(class_weights=tuple(weights)))
    logits, truth = data.test.gather(torch.arange(2300)).x.numpy(), data.test.target("target").numpy()
    fractions = special.softmax(logits.astype(float), axis=1)
    assert found.loss == pytest.approx(
        log_loss(truth, fractions, sample_weight=weights[truth], labels=range(5)), rel=1e-5
    )
    smoothed = score(data, Loss(smoothing=0.3))
    codes = 0.7 * np.eye(5)[truth] + 0.06
    assert smoothed.loss == pytest.approx(-(codes * special.log_softmax(logits, axis=1)).sum(1).mean(), rel=1e-5)


def test_the_most_confident_mistakes_come_first() -> None:
    logits = torch.tensor([[5.0, 0.0], [1.0, 0.0], [0.0, 3.0], [0.0, 2.0], [2.0, 0.0]])
    found = score(answered(logits, torch.tensor([1, 1, 1, 0, 1]), Field((), categories=("a", "b"))))
    assert found.arrays["mistakes"].tolist() == [0, 3, 4, 1]  # 3 and 4 are equally sure
    first = found.details["mistakes"][0]
    assert (first["index"], first["predicted"], first["truth"]) == (0, "a", "b")
    assert first["confidence"] == pytest.approx(1 / (1 + np.exp(-5.0)), rel=1e-6)


def test_confidences_that_are_all_one_keep_the_order_of_the_examples() -> None:
    logits = torch.zeros(50, 5)
    logits[:, 1] = 40.0 + torch.arange(50)
    found = score(answered(logits, torch.arange(50) % 5, LABEL))
    assert found.arrays["mistakes"].tolist() == [i for i in range(50) if i % 5 != 1]
    assert len(found.details["mistakes"]) == 25


def test_survives_json() -> None:
    plain = json.loads(json.dumps(score(says(50)).to_plain()))
    assert (plain["task"], plain["examples"], plain["classes"]) == ("classification", 50, list(NAMES))
    assert sum(map(sum, plain["confusion"])) == 50


def test_no_examples() -> None:
    with pytest.raises(DataError, match=r"evaluation: expected at least one labeled example, got none; name another"):
        score(says(0))


def test_per_class_of_nothing() -> None:
    assert per_class(np.zeros((1, 1), dtype=np.int64), ("a",)) == [
        {"class": "a", "precision": 0.0, "recall": 0.0, "f1": 0.0, "examples": 0}
    ]


def test_elements_with_a_label_count_and_no_others() -> None:
    """Against scikit-learn over the labeled points of all clouds, gathered one by one."""
    case = cases()["classification, elements, weights"]
    found = case.task.score(case.single, case.data, "test")
    logits, truth = [], []
    for k in range(9):
        batch = case.batch(k)
        known = batch.labels[0] >= 0
        logits.append(case.net(*batch.inputs)[0][known].detach().numpy())
        truth.append(batch.labels[0][known].numpy())
    fractions, labels = special.softmax(np.concatenate(logits), axis=1), np.concatenate(truth)
    weights = np.array(WEIGHTS["class_weights"])[labels]
    assert found.examples == len(labels)
    assert found.loss == pytest.approx(log_loss(labels, fractions, sample_weight=weights, labels=range(3)), rel=1e-5)
    np.testing.assert_array_equal(found.details["confusion"], confusion_matrix(labels, fractions.argmax(1)))
    np.testing.assert_array_equal(found.arrays["targets"], labels)


def test_a_batch_without_labels_among_those_that_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of nine clouds the first three have no labels, and batches are of three."""
    monkeypatch.setattr("neurarium.tasks.model.EVALUATION_BATCH", 3)
    case = cases()["classification, elements"]
    label = case.examples.target("label").clone()
    label[: int(case.examples.lengths["points"][:3].sum())] = -1  # type: ignore[attr-defined]
    blind = type(case.examples)({**case.examples.columns, "label": label}, case.examples.lengths, POINTS)  # type: ignore
    rest = blind.select(torch.arange(3, 9))
    whole, some = (
        case.task.score(case.single, Dataset("clouds", part, part, part, POINTS), "test") for part in (blind, rest)
    )
    assert whole.loss == pytest.approx(some.loss, rel=1e-6)
    assert whole.details["confusion"] == some.details["confusion"]


def test_predictions_of_examples_by_numpy() -> None:
    case = cases()["classification"]
    batch = case.batch()
    found = case.task.predict(case.model, Batch(batch.inputs, (), 9))
    expected = special.softmax(case.net(batch.x).detach().numpy(), axis=1)
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-6)
    assert found.classes == ("a", "b", "c")
    assert found.labels == tuple("abc"[k] for k in expected.argmax(1))
    assert (len(found), found.counts) == (9, ())
    np.testing.assert_array_equal(found.indices, expected.argmax(1))


def test_predictions_of_elements_are_those_of_each_example_alone() -> None:
    case = make("classification", POINTS, PerPoint())
    lengths = case.examples.lengths["points"].tolist()  # type: ignore[attr-defined]
    found = case.task.predict(case.model, case.batch())
    assert found.counts == tuple(lengths)
    assert found.values.shape == (sum(lengths), 3)
    one_by_one = [case.task.predict(case.model, case.batch(k)).values for k in range(9)]
    np.testing.assert_allclose(found.values, np.concatenate(one_by_one), rtol=1e-9)


def test_predictions_of_a_window_have_a_row_a_place() -> None:
    case = cases()["language-model"]
    found = case.task.predict(case.model, case.batch(0, 1))
    assert (found.values.shape, found.counts) == ((12, 5), (6, 6))
    np.testing.assert_allclose(found.values.sum(1), 1.0)


def test_measuring_takes_no_target_apart() -> None:
    """Distributions, as mixup makes them: the right answer is the most probable class."""
    case = cases()["classification"]
    batch = double(case.examples.gather(torch.arange(9)))
    rows = torch.eye(3, dtype=torch.float64)[batch.labels] * 0.6 + 0.4 / 3
    mixed = Batch(batch.inputs, (rows,), 9)
    logits = case.net(batch.x)
    counts = case.task.counts(mixed)
    assert counts.tolist() == [9.0, 9.0]
    expected = -(rows.numpy() * special.log_softmax(logits.detach().numpy(), axis=1)).sum(1).mean()
    assert case.task.loss(logits, mixed, counts).item() == pytest.approx(expected, rel=1e-9)
    assert torch.equal(case.task.errors(logits, mixed), case.task.errors(logits, batch))


# which loss a recipe means for some data


def criterion_loss(loss: Loss, data: Dataset, outputs: Tensor, targets: Tensor) -> float:
    """Loss of outputs and targets by the task of a recipe."""
    task = task_of(Recipe(loss=loss), data.schema, train=data.train)
    batch = Batch((outputs,), (targets,), len(targets))
    return float(task.loss(outputs, batch, task.counts(batch)))  # type: ignore[attr-defined]


def uneven() -> Dataset:
    data = make_toy((12,), 3, (40, 6, 6))
    labels = data.train.target("label")
    kept = torch.cat([(labels != 2).nonzero(), (labels == 2).nonzero()[:4]]).flatten()
    return Dataset("uneven", data.train.select(kept), data.validation, data.test, data.schema)


def test_balanced_weights_are_of_the_training_examples_by_scikit_learn() -> None:
    data = uneven()
    labels = data.train.target("label")
    logits = np.random.default_rng(1).normal(size=(len(labels), 3))
    sample_weight = compute_sample_weight("balanced", labels.numpy())
    expected = log_loss(labels.numpy(), special.softmax(logits, axis=1), sample_weight=sample_weight)
    got = criterion_loss(Loss(balanced=True), data, torch.from_numpy(logits), labels)
    assert got == pytest.approx(expected, rel=1e-6)


def test_elements_without_a_label_do_not_balance() -> None:
    case = cases()["classification, elements"]
    labels = case.examples.target("label")
    task = task_of(Recipe(loss=Loss(balanced=True)), POINTS, train=case.examples)
    known = labels[labels >= 0].numpy()
    weights = compute_sample_weight("balanced", known)
    assert isinstance(task, Classification)
    assert task.criterion.weights is not None
    np.testing.assert_allclose(task.criterion.weights[known], weights, rtol=1e-6)


def test_a_class_that_does_not_occur_cannot_be_balanced(vectors: Dataset) -> None:
    only = vectors.train.select((vectors.train.target("label") != 1).nonzero().flatten())
    with pytest.raises(ConfigError, match=r"training examples of every class, got none of class 1; give class_weights"):
        task_of(Recipe(loss=Loss(balanced=True)), vectors.schema, train=only)


def test_the_number_of_classes_comes_from_the_data(vectors: Dataset) -> None:
    targets = torch.tensor([0, 1, 2, 2])
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ConfigError, match="3 numbers, one a class"):
        criterion_loss(Loss(class_weights=(1.0, 2.0)), vectors, logits, targets)
    smoothed = 0.7 * np.eye(3)[targets] + 0.1
    expected = -(smoothed * special.log_softmax(logits.numpy(), axis=1)).sum(1).mean()
    assert criterion_loss(Loss(smoothing=0.3), vectors, logits, targets) == pytest.approx(expected, rel=1e-5)


def numbers() -> Dataset:
    y = torch.arange(40.0)[:, None] * torch.tensor([1.0, -3.0])
    schema = Schema({"x": Field((2,))}, {"y": Field((2,), names=("up", "down"))})
    return assemble("toy", {"train": Table((y,), (y,), schema)}, provenance="made up")


def test_numbers_for_targets() -> None:
    data = numbers()
    targets = data.test.target("y")
    outputs = targets + torch.tensor([1.0, 0.5])
    squared, absolute = Loss("squared-error"), Loss("absolute-error")
    assert criterion_loss(squared, data, outputs, targets) == pytest.approx((1 + 0.25) / 2, rel=1e-5)
    assert criterion_loss(Loss(), data, outputs, targets) == pytest.approx((1 + 0.25) / 2, rel=1e-5)
    assert criterion_loss(absolute, data, outputs, targets) == pytest.approx(1 + 0.5, rel=1e-5)
    for loss in (squared, absolute):
        task = task_of(Recipe(loss=loss), data.schema)
        errors = task.errors(outputs, Batch((outputs,), (targets,), len(targets)))  # type: ignore[attr-defined]
        assert float(errors) == pytest.approx(len(targets) * 1.25 / 2, rel=1e-5)


@pytest.mark.parametrize("loss", [Loss("hinge"), Loss("squared-error", balanced=True)])
def test_what_is_for_classes_alone_is_refused_for_numbers(loss: Loss) -> None:
    with pytest.raises(ConfigError, match="as the targets are numbers"):
        task_of(Recipe(loss=loss), numbers().schema)


def test_a_case_is_what_it_says() -> None:
    """The drawn clouds have points with and without a label in every batch of the law."""
    case: Case = cases()["classification, elements"]
    labels = case.batch().labels
    lengths = case.batch().inputs[1]
    inside = torch.arange(labels.shape[1]) < lengths[:, None]
    assert (labels[inside] < 0).any()
    assert (labels[inside] >= 0).any()
    assert (labels[~inside] < 0).all()
    assert isinstance(case.net, nn.Module)
