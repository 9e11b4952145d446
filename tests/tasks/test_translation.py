import dataclasses
import itertools

import numpy as np
import pytest
import torch
from scipy import special
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.ragged import Ragged
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.interval import wilson_interval
from neurarium.tasks.model import Model
from neurarium.tasks.task import Context
from neurarium.tasks.translation import Translation

from .small import PAIRS, Case, Translator, cases, seeded

WORDS = ("<start>", "<end>", "A", "B", "C")


def case_of(name: str = "translation") -> Case:
    return cases()[name]


def translation() -> Translation:
    task = case_of().task
    assert isinstance(task, Translation)
    return task


# the loss


def rows(case: Case) -> list[tuple[np.ndarray, np.ndarray]]:
    """Log-probabilities and right tokens of each example alone, without any padding."""
    found = []
    for k in range(9):
        batch = case.batch(k)
        assert (batch.labels >= 0).all()
        logits = case.net(batch.inputs[0], batch.labels[:, :-1], batch.inputs[1])
        found.append((special.log_softmax(logits[0].detach().numpy(), axis=1), batch.labels[0, 1:].numpy()))
    return found


@pytest.mark.parametrize(("name", "smoothing"), [("translation", 0.0), ("translation, smoothing", 0.2)])
def test_loss_and_errors_by_numpy(name: str, smoothing: float) -> None:
    case, batch = case_of(name), case_of(name).batch()
    found = rows(case)
    log_p, truth = (np.concatenate(part) for part in zip(*found, strict=True))
    code = (1 - smoothing) * np.eye(5)[truth] + smoothing / 5
    counts = case.task.counts(batch)
    assert counts.tolist() == [len(truth), len(truth)]
    outputs = case.task.forward(case.net, batch, Context())
    assert case.task.loss(outputs, batch, counts).item() == pytest.approx(-(code * log_p).sum(1).mean(), rel=1e-7)
    assert int(case.task.errors(outputs, batch)) == (log_p.argmax(1) != truth).sum()


def test_the_net_sees_the_target_up_to_the_token_before() -> None:
    seen: list[tuple[Tensor, ...]] = []

    def net(*tensors: Tensor) -> Tensor:
        seen.append(tensors)
        return torch.zeros(())

    source, target, lengths = torch.tensor([[3, 4]]), torch.tensor([[0, 2, 3, 1, -1]]), torch.tensor([2])
    translation().forward(net, Batch((source, lengths), (target,), 1), Context())
    ((first, given, told),) = seen
    assert first is source
    assert told is lengths
    assert given.tolist() == [[0, 2, 3, 1]]


# decoding


class Table(nn.Module):
    """The next token from the source and the last two tokens, looked up in a table drawn once."""

    def __init__(self, seed: int, end: float = 0.0) -> None:
        super().__init__()
        scores = torch.randn(5, 6, 5, 5, generator=torch.Generator().manual_seed(seed))
        scores[..., 0] = -9.0  # no answer begins anew
        scores[..., 1] += end
        self.scores = nn.Parameter(scores)

    def forward(self, source: Tensor, target: Tensor, lengths: Tensor) -> Tensor:
        assert not self.training
        last = torch.stack([row[length - 1] for row, length in zip(source, lengths, strict=True)])
        before = torch.cat([torch.full_like(target[:, :1], 5), target[:, :-1]], 1)
        return self.scores[last[:, None], before, target]


def brute_force(net: Table, last: int, longest: int) -> list[int]:
    """One token after the other, by a plain loop over the table."""
    table, said, before, now = net.scores.detach().numpy(), list[int](), 5, 0
    while len(said) < longest:
        following = int(table[last, before, now].argmax())
        if following == 1:
            break
        said.append(following)
        before, now = now, following
    return said


def sources(*words: tuple[int, ...]) -> Batch:
    longest = max(map(len, words))
    padded = torch.tensor([[*word, *[0] * (longest - len(word))] for word in words])
    return Batch((padded, torch.tensor([len(word) for word in words])), (), len(words), None, ("source", "lengths"))


@pytest.mark.parametrize(("seed", "end"), list(itertools.product(range(4), (0.0, 1.5))))
def test_greedy_decoding_against_a_loop(seed: int, end: float) -> None:
    net = Table(seed, end)
    batch = sources((0,), (2, 1), (1, 4, 2), (3,), (0, 4))
    model = Model(net, torch.device("cpu"))
    for longest in (1, 4, 9):
        found = translation().decode(model, batch, longest=longest)
        assert found == [brute_force(net, last, longest) for last in (0, 1, 2, 3, 4)]
    assert net.training  # as it was


def test_an_answer_does_not_depend_on_its_neighbors() -> None:
    case = case_of()
    lengths = set[int]()
    for net in (*map(Table, range(5)), seeded(Translator(), 3)):
        model, examples = Model(net, torch.device("cpu")), case.examples
        together = translation().decode(model, examples.gather(torch.arange(9)), longest=12)
        alone = [translation().decode(model, examples.gather(torch.tensor([k])), longest=12)[0] for k in range(9)]
        assert together == alone
        lengths |= set(map(len, together))
    assert len(lengths) > 3


def test_predictions_are_texts() -> None:
    net = Table(1, 1.5)
    batch = sources((0,), (2, 1), (3,))
    found = translation().predict(Model(net, torch.device("cpu")), batch, longest=5)
    expected = tuple(" ".join(WORDS[k] for k in brute_force(net, last, 5)) for last in (0, 1, 3))
    assert (found.labels, found.values.shape, len(found)) == (expected, (3, 0), 3)
    target = Field((None,), categories=WORDS, axis="target", constants={"joiner": ""})
    joined = Translation.build(NetSpec(), Loss(), Schema(PAIRS.inputs, {"target": target}), {})
    letters = joined.predict(Model(net, torch.device("cpu")), batch, longest=5)
    assert letters.labels == tuple(label.replace(" ", "") for label in expected)
    with pytest.raises(
        ConfigError,
        match="predict: expected options among longest, beams, length_penalty, temperature, seed, got width",
    ):
        translation().predict(Model(net, torch.device("cpu")), batch, width=3, beams=2)


# scores


def test_scores_by_counting() -> None:
    """Seven pairs: of some the right answer is what the table says, of the others one token is another, or missing."""
    net = Table(3, 1.0)
    answers = [brute_force(net, last, 6) for last in range(5)]
    assert all(len(answer) < 6 for answer in answers)
    wanted = [answers[0], answers[1], [*answers[2], 2], answers[3], answers[4][:-1] or [3], answers[0], [3, 3, 3]]
    columns = {
        "source": torch.tensor([0, 1, 2, 3, 4, 0, 1]),
        "target": torch.tensor([token for row in wanted for token in (0, *row, 1)]),
    }
    lengths = {"source": torch.ones(7, dtype=torch.int64), "target": torch.tensor([len(row) + 2 for row in wanted])}
    pairs = Ragged(columns, lengths, PAIRS)
    found = translation().score(Model(net, torch.device("cpu")), Dataset("toy", pairs, pairs, pairs, PAIRS), "test")
    exact = sum(answers[last] == row for last, row in zip((0, 1, 2, 3, 4, 0, 1), wanted, strict=True))
    assert 0 < exact < 7
    assert (found.value("exact answers"), found.examples) == (exact / 7, 7)
    assert found.metrics[0].interval == wilson_interval(exact, 7)
    table = net.scores.detach().double().numpy()
    right, surprise = [], []
    for last, row in zip((0, 1, 2, 3, 4, 0, 1), wanted, strict=True):
        before, now = 5, 0
        for token in (*row, 1):
            log_p = special.log_softmax(table[last, before, now])
            right.append(log_p.argmax() == token)
            surprise.append(-log_p[token])
            before, now = now, token
    assert found.value("token accuracy") == pytest.approx(np.mean(right))
    assert found.loss == pytest.approx(np.mean(surprise), rel=1e-5)
    assert found.details["answers"][6]["truth"] == "B B B"
    assert [entry["said"] for entry in found.details["answers"][:5]] == [
        " ".join(WORDS[k] for k in answer) for answer in answers
    ]


def test_an_answer_that_goes_on_is_not_exact() -> None:
    """A net that never ends says the right tokens first, and more."""

    class Endless(nn.Module):
        def forward(self, source: Tensor, target: Tensor, lengths: Tensor) -> Tensor:
            return torch.eye(5)[torch.full_like(target, 2)]

    columns = {"source": torch.tensor([0]), "target": torch.tensor([0, 2, 2, 1])}
    pairs = Ragged(columns, {"source": torch.tensor([1]), "target": torch.tensor([4])}, PAIRS)
    found = translation().score(
        Model(Endless(), torch.device("cpu")), Dataset("toy", pairs, pairs, pairs, PAIRS), "test"
    )
    assert found.value("exact answers") == 0
    assert found.value("token accuracy") == pytest.approx(2 / 3)
    assert found.details["answers"][0] == {"said": "A A A A", "truth": "A A"}


# scheduled sampling


def test_own_tokens_are_those_of_the_net_and_as_many_as_asked() -> None:
    case, batch = case_of(), case_of().batch()
    task, seen = dataclasses.replace(translation(), own_tokens=0.25), list[Tensor]()

    def net(source: Tensor, target: Tensor, lengths: Tensor) -> Tensor:
        seen.append(target)
        return case.net(source, target, lengths)

    true = batch.labels[:, :-1].clamp(min=0)
    for context in (Context(training=False, epoch=5), Context(training=True, epoch=1)):
        task.forward(net, batch, context)
        assert len(seen) == 1
        assert seen.pop().equal(true)
    changed = total = 0
    for epoch in range(2, 60):
        task.forward(net, batch, Context(training=True, epoch=epoch))
        first, mixed = seen
        seen.clear()
        own = case.net(batch.x, first, batch.inputs[1]).argmax(-1)[:, :-1]
        assert mixed[:, 0].equal(true[:, 0])
        assert ((mixed[:, 1:] == own) | (mixed[:, 1:] == true[:, 1:])).all()
        differ = own != true[:, 1:]
        changed += int((mixed[:, 1:] == own)[differ].sum())
        total += int(differ.sum())
    assert abs(changed / total - 0.25) < 4 * (0.25 * 0.75 / total) ** 0.5


def test_own_tokens_of_an_example_do_not_depend_on_its_batch() -> None:
    case, batch = case_of(), case_of().batch()
    task, context = dataclasses.replace(translation(), own_tokens=0.5), Context(training=True, epoch=3)
    whole = task.forward(case.net, batch, context)
    for k in range(batch.size):
        one = case.examples.gather(torch.tensor([k]))
        said = task.forward(case.net, one, context)
        torch.testing.assert_close(said[0], whole[k, : said.shape[1]])


def test_beams_and_draws_are_options_of_predict() -> None:
    net, batch = Table(2, 0.5), sources((0,), (2, 1), (1, 4, 2))
    model = Model(net, torch.device("cpu"))
    task = translation()
    assert task.decode(model, batch, longest=6, beams=1) == task.decode(model, batch, longest=6)
    drawn = task.predict(model, batch, longest=6, temperature=1.0, seed=3).labels
    assert drawn == task.predict(model, batch, longest=6, temperature=1.0, seed=3).labels
    wide = task.predict(model, batch, longest=6, beams=50, length_penalty=0.0).labels
    log_p = net.scores.detach().log_softmax(-1)
    for last, text in zip((0, 1, 2), wide, strict=True):
        score = [log_p_of(log_p[last], [WORDS.index(word) for word in words.split()]) for words in (text, *drawn)]
        assert score[0] == max(score)
    with pytest.raises(ConfigError, match="temperature: expected none with several beams"):
        task.predict(model, batch, beams=2, temperature=1.0)


def log_p_of(table: Tensor, words: list[int]) -> float:
    total, before, now = 0.0, 5, 0
    for word in (*words, 1):
        total += float(table[before, now, word])
        before, now = now, word
    return total
