import dataclasses

import numpy as np
import pytest
import torch
from scipy import special

from neurarium.checks import ConfigError, DataError
from neurarium.data.dataset import Dataset
from neurarium.learning.loss import Loss
from neurarium.nets.recurrent.recurrent_spec import RecurrentSpec
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.language_model import LanguageModel
from neurarium.tasks.model import Model

from .small import WINDOWS, NextToken, answered, cases, examples_of, identity, seeded


def test_perplexity_by_numpy(windows: Dataset) -> None:
    torch.manual_seed(0)
    net = seeded(NextToken())
    task = LanguageModel.build(NetSpec(), Loss(), windows.schema, {})
    found = task.score(Model(net, torch.device("cpu")), windows, "test")
    batch = windows.test.gather(torch.arange(10))
    log_p = special.log_softmax(net(batch.x).detach().double().numpy(), axis=2)
    truth = batch.labels.numpy()
    surprise = -np.take_along_axis(log_p, truth[..., None], 2)
    assert found.loss == pytest.approx(surprise.mean(), rel=1e-5)
    assert found.value("perplexity") == pytest.approx(np.exp(surprise.mean()), rel=1e-5)
    assert found.value("bits per token") == pytest.approx(surprise.mean() / np.log(2), rel=1e-5)
    assert found.value("accuracy") == pytest.approx((log_p.argmax(2) == truth).mean())
    assert found.accuracy == found.details["accuracy"]
    assert (found.details["tokens"], found.examples) == (80, 10)
    seen = windows.train.gather(torch.arange(40)).labels.numpy().ravel()
    frequencies = np.log((np.bincount(seen, minlength=5) + 1) / (len(seen) + 5))
    simple = -frequencies[truth].mean()
    assert found.metrics[0].baseline == pytest.approx(np.exp(simple), rel=1e-9)
    assert found.metrics[1].baseline == pytest.approx(simple / np.log(2), rel=1e-9)
    assert not found.metrics[0].higher_is_better


@pytest.mark.parametrize(
    "loss",
    [Loss(smoothing=0.3), Loss(class_weights=(0.1, 5.0, 1.0, 1.0, 1.0)), Loss("hinge")],
    ids=["smoothing", "weights", "hinge"],
)
def test_perplexity_and_accuracy_are_of_the_tokens_whatever_the_loss(loss: Loss) -> None:
    case = cases()["language-model"]
    task = LanguageModel.build(NetSpec(), loss, case.examples.schema, {})
    found, plain = (asked.score(case.single, case.data, "test") for asked in (task, case.task))
    assert found.loss != pytest.approx(plain.loss, rel=1e-3)
    assert found.metrics == plain.metrics
    assert found.details == plain.details


def test_rows_of_different_lengths_and_unknown_tokens() -> None:
    """Padding and tokens that nobody knows count nowhere: against the same rows one by one."""
    letters = Field((None,), categories=tuple("abcde"), axis="tokens")
    schema = Schema({"tokens": letters}, {"next": letters})
    examples = examples_of(schema, 7)
    column = examples.target("next").clone()
    column[::4] = -1
    examples = dataclasses.replace(examples, columns={**examples.columns, "next": column})  # type: ignore[type-var]
    net = seeded(NextToken())

    class Padded(torch.nn.Module):
        def forward(self, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return net(tokens)

    task = LanguageModel.build(NetSpec(), Loss(), schema, {})
    data = Dataset("rows", examples, examples, examples, schema)
    found = task.score(Model(Padded(), torch.device("cpu")), data, "test")
    surprise, right = [], []
    for k in range(7):
        batch = examples.gather(torch.tensor([k]))
        known = batch.labels[0] >= 0
        log_p = special.log_softmax(net(batch.x)[0][known].detach().double().numpy(), axis=1)
        truth = batch.labels[0][known].numpy()
        surprise += (-log_p[np.arange(len(truth)), truth]).tolist()
        right += (log_p.argmax(1) == truth).tolist()
    assert found.value("perplexity") == pytest.approx(np.exp(np.mean(surprise)), rel=1e-5)
    assert found.accuracy == pytest.approx(np.mean(right))
    assert found.details["tokens"] == len(right) == int((column >= 0).sum())


def test_equally_likely_tokens_have_as_much_perplexity() -> None:
    data = answered(torch.zeros(6, 4, 8), torch.arange(24).view(6, 4) % 8, Field((4,), categories=tuple("abcdefgh")))
    found = LanguageModel.build(NetSpec(), Loss(), data.schema, {}).score(identity(), data, "test")
    assert found.value("perplexity") == pytest.approx(8.0, rel=1e-6)
    assert found.value("bits per token") == pytest.approx(3.0, rel=1e-6)


def test_a_net_that_sees_what_it_is_asked_is_refused() -> None:
    task = LanguageModel.build(RecurrentSpec(), Loss(), WINDOWS, {})
    task.admits(RecurrentSpec(hidden=4).build(WINDOWS))
    with pytest.raises(ConfigError, match="no later token"):
        task.admits(RecurrentSpec(hidden=4, bidirectional=True).build(WINDOWS))


def test_writing_on_is_drawing_from_what_the_whole_text_says() -> None:
    """Another way: the net reads all that was written anew for every letter."""
    torch.manual_seed(0)
    net = RecurrentSpec(hidden=6).build(WINDOWS)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    model, task = Model(net, torch.device("cpu")), LanguageModel.build(RecurrentSpec(), Loss(), WINDOWS, {})
    written = task.write(model, "abc", length=20, temperature=1e-6)
    text = "abc"
    for _ in range(20):
        with torch.no_grad():
            text += "abcde"[int(net(torch.tensor([["abcde".index(letter) for letter in text]]))[0, -1].argmax())]
    assert "abc" + written == text
    drawn = [task.write(model, "a", length=200, temperature=1.0, seed=seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) <= set("abcde")
    # hot enough, all letters are equally likely: 4 standard deviations of a binomial
    hot = task.write(model, "a", length=2000, temperature=1e6)
    assert all(abs(hot.count(letter) - 400) < 4 * 18 for letter in "abcde")


def test_what_cannot_go_on_is_refused() -> None:
    task, model = LanguageModel.build(NetSpec(), Loss(), WINDOWS, {}), Model(NextToken(), torch.device("cpu"))
    with pytest.raises(ConfigError, match="writing on"):
        task.write(model, "a")
    stepwise = Model(RecurrentSpec(hidden=4).build(WINDOWS), torch.device("cpu"))
    for changes, match in (({"prompt": ""}, "at least one token"), ({"prompt": "xyz"}, "learned, got 'x'")):
        with pytest.raises(DataError, match=match):
            task.write(stepwise, **changes)
    for changes in ({"length": 0}, {"temperature": 0.0}):
        with pytest.raises(ConfigError, match=next(iter(changes))):
            task.write(stepwise, "a", **changes)
