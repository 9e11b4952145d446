import json

import numpy as np
import pytest
import torch
from scipy import special
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support
from sklearn.utils.class_weight import compute_sample_weight
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError
from neurarium.data.assemble import assemble_numbers
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense
from neurarium.learning.objective import Objective
from neurarium.training.device import Placement
from neurarium.training.evaluation import criterion_of, evaluate, outputs_of

from ..conftest import make_toy

CPU = Placement(torch.device("cpu"))
NAMES = ("a", "b", "c", "never said", "never there")


def answered(count: int = 2300) -> Dense:
    """Examples that are themselves the answers: class 3 is never said, class 4 never right."""
    random = np.random.default_rng(0)
    targets = random.integers(0, 4, count)
    logits = random.normal(size=(count, 5)) + 1.5 * np.eye(5)[targets]
    logits[:, 3] = -9.0
    return Dense(torch.from_numpy(logits).float(), torch.from_numpy(targets))


def test_scores_are_scikit_learns() -> None:
    examples = answered()
    found = evaluate(nn.Identity(), examples, Objective().build(), NAMES, CPU)
    logits, truth = examples.inputs.double().numpy(), examples.targets.numpy()
    said = logits.argmax(1)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(truth, said, labels=range(5)))
    np.testing.assert_array_equal(found.predicted, said)
    assert found.accuracy == pytest.approx((truth == said).mean())
    assert found.error == pytest.approx((truth != said).mean())
    shares = special.softmax(logits, axis=1)
    assert found.objective == pytest.approx(log_loss(truth, shares, labels=range(5)), rel=1e-5)
    np.testing.assert_allclose(found.confidence, shares.max(1), rtol=1e-5)
    rows = found.per_class()
    expected = precision_recall_fscore_support(truth, said, labels=range(5), zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "examples"), expected, strict=True):
        np.testing.assert_allclose([row[name] for row in rows], values, rtol=1e-12)
    assert [row["class"] for row in rows] == list(NAMES)


def test_the_most_confident_mistakes_come_first() -> None:
    logits = torch.tensor([[5.0, 0.0], [1.0, 0.0], [0.0, 3.0], [0.0, 2.0], [2.0, 0.0]])
    examples = Dense(logits, torch.tensor([1, 1, 1, 0, 1]))
    found = evaluate(nn.Identity(), examples, Objective().build(), ("a", "b"), CPU)
    assert found.mistakes.tolist() == [0, 3, 4, 1]  # 3 and 4 are equally sure


def test_survives_json() -> None:
    found = evaluate(nn.Identity(), answered(50), Objective().build(), NAMES, CPU)
    plain = json.loads(json.dumps(found.to_plain()))
    assert (plain["task"], plain["examples"], plain["classes"]) == ("classification", 50, list(NAMES))
    assert sum(map(sum, plain["confusion"])) == 50


def test_no_examples() -> None:
    with pytest.raises(DataError, match="empty split"):
        evaluate(nn.Identity(), answered(0), Objective().build(), NAMES, CPU)


@pytest.mark.parametrize("training", [True, False])
def test_measured_without_dropout_and_left_as_it_was(training: bool) -> None:
    net = nn.Sequential(nn.Dropout(0.9)).train(training)
    examples = answered(1200)
    torch.testing.assert_close(outputs_of(net, examples, CPU), examples.inputs, rtol=0, atol=0)
    assert net.training == training


def test_left_as_it_was_even_by_an_error() -> None:
    class Breaks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("broken")

    net = Breaks()
    with pytest.raises(RuntimeError, match="broken"):
        outputs_of(net, answered(3), CPU)
    assert net.training


def uneven() -> Dataset:
    data = make_toy((12,), 3, (40, 6, 6))
    kept = torch.cat([(data.train.targets != 2).nonzero(), (data.train.targets == 2).nonzero()[:4]]).flatten()
    return Dataset(
        "uneven", "vectors", data.train.select(kept), data.development, data.test, (12,), data.classes, data.scaling,
        "made for a test", "none",
    )  # fmt: skip


def test_balanced_weights_are_of_the_training_examples_by_scikit_learn() -> None:
    data = uneven()
    criterion = criterion_of(Objective(balanced=True), data, None, CPU)
    truth = data.train.targets.numpy()
    logits = np.random.default_rng(1).normal(size=(len(truth), 3))
    expected = log_loss(truth, special.softmax(logits, axis=1), sample_weight=compute_sample_weight("balanced", truth))
    got = float(criterion.loss(torch.from_numpy(logits), data.train.targets, torch.zeros(len(truth), 12)))
    assert got == pytest.approx(expected, rel=1e-6)


def test_the_number_of_classes_comes_from_the_data(vectors: Dataset) -> None:
    with pytest.raises(ConfigError, match="3 numbers, one a class"):
        criterion_of(Objective(class_weights=(1.0, 2.0)), vectors, None, CPU)
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([0, 1, 2, 2])
    smoothed = 0.7 * np.eye(3)[targets] + 0.1
    expected = -(smoothed * special.log_softmax(logits.numpy(), axis=1)).sum(1).mean()
    criterion = criterion_of(Objective(smoothing=0.3), vectors, None, CPU)
    assert float(criterion.loss(logits, targets, logits)) == pytest.approx(expected, rel=1e-5)


def test_the_teacher_is_handed_on(vectors: Dataset) -> None:
    asked: list[Tensor] = []

    def teacher(inputs: Tensor) -> Tensor:
        asked.append(inputs)
        return inputs[:, :3]

    criterion = criterion_of(Objective("distillation"), vectors, teacher, CPU)
    x = torch.randn(5, 12, generator=torch.Generator().manual_seed(0))
    p, logits = special.softmax(x[:, :3].numpy(), axis=1), torch.zeros(5, 3)
    assert float(criterion.loss(logits, torch.zeros(5, dtype=torch.int64), x)) == pytest.approx(np.log(3), rel=1e-5)
    assert p.sum() == pytest.approx(5.0)
    assert torch.equal(asked[0], x)


def numbers() -> Dataset:
    y = torch.arange(40.0)[:, None] * torch.tensor([1.0, -3.0])
    return assemble_numbers("toy", "vectors", {"train": Dense(y, y)}, ("up", "down"), source="made up")


def test_numbers_for_targets() -> None:
    data = numbers()
    outputs, targets = data.test.targets + torch.tensor([1.0, 0.5]), data.test.targets
    squared = criterion_of(Objective("squared-error"), data, None, CPU)
    absolute = criterion_of(Objective("absolute-error"), data, None, CPU)
    assert float(squared.loss(outputs, targets, outputs)) == pytest.approx((1 + 0.25) / 2, rel=1e-5)
    assert float(absolute.loss(outputs, targets, outputs)) == pytest.approx(1 + 0.5, rel=1e-5)
    for criterion in (squared, absolute):
        assert float(criterion.error(outputs, targets, outputs)) == pytest.approx(len(targets) * 1.25 / 2, rel=1e-5)


@pytest.mark.parametrize("objective", [Objective(), Objective("hinge"), Objective("squared-error", balanced=True)])
def test_what_is_for_classes_alone_is_refused_for_numbers(objective: Objective) -> None:
    with pytest.raises(ConfigError, match="as the targets are numbers"):
        criterion_of(objective, numbers(), None, CPU)
