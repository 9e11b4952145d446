"""Which token comes next, at every place of a window.

loss = -1/N sum log p(t_(i+1) | t_1 ... t_i),    perplexity = exp(loss),    bits = loss / log 2
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from neurarium.checks import ConfigError, DataError
from neurarium.data.dataset import Dataset
from neurarium.data.text_lines import holds_words, tokens_of
from neurarium.learning.loss import Loss
from neurarium.nets.decoding import Stepwise
from neurarium.nets.expect import expect
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.classification import Classification
from neurarium.tasks.decoding.search import sample
from neurarium.tasks.model import Model
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Device, Helpers, evaluating, tensor_of

_GUESSED = "try another learning rate, more epochs or a longer text."


@dataclass(frozen=True, eq=False)
class LanguageModel(Classification):
    """Classification of every next token, scored by perplexity."""

    window: int = 0
    vocabulary: tuple[str, ...] = ()

    name: ClassVar[str] = "language-model"

    @classmethod
    def build(
        cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu"
    ) -> "LanguageModel":
        """Make the task of tokens that are one row, the only input; `window` is its length, 0 where it varies."""
        made, alone = super().build(spec, loss, schema, helpers, device), len(schema.inputs) == 1
        window = schema.input.shape[0] if alone and len(schema.input.shape) == 1 else 0
        assert isinstance(made, LanguageModel)
        return dataclasses.replace(made, window=window or 0, vocabulary=schema.input.categories)

    def admits(self, net: nn.Module) -> None:
        """Refuse a net that sees later tokens, and so is told what it is asked: tried with another last token."""
        if self.window < 2 or len(self.classes) < 2:
            return
        rows = torch.zeros(2, self.window, dtype=torch.int64)
        rows[1, -1] = 1
        device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
        try:
            with evaluating(net), torch.no_grad():
                one, other = tensor_of(net(rows.to(device)), self.name)[:, :-1]
        except (RuntimeError, ValueError, TypeError, IndexError):
            return  # what it cannot take is said where it is tried on examples
        if not torch.allclose(one, other, rtol=1e-4, atol=1e-5):
            got, remedy = "answers that depend on the token that comes", "--net.bidirectional False"
            raise ConfigError("net", expected="one that sees no later token", got=got, remedy=remedy)

    def write(self, model: Model, prompt: str, length: int = 200, temperature: float = 1.0, seed: int = 0) -> str:
        """Go on writing after a text, token by token, each drawn from softmax(logits / temperature).

        The memory does not grow with what was written. The same seed writes the same.
        Raises ConfigError: a net that does not read step by step, a length below 1, or a temperature that is not
        positive; DataError: an empty prompt, or a token in it that was not learned.
        """
        if length < 1:
            raise ConfigError("length", expected="an integer >= 1", got=str(length))
        if self.vocabulary != self.classes:
            raise ConfigError("run", expected="one that says tokens like those it reads", got="other tokens")
        net = expect(model.net, Stepwise, "writing on", "train the net recurrent, as genesis-lstm does")
        field = Field((None,), categories=self.classes, axis="time")
        if not (prompt.split() if holds_words(field) else prompt):
            raise DataError("prompt", expected="at least one token", got="none", remedy="write how it begins")
        read = tokens_of([prompt], ["prompt"], Schema({"tokens": field})).gather(torch.arange(1)).x.to(model.device)
        with evaluating(model.net), torch.inference_mode():
            state = net.start(1)
            for token in read[:, :-1].unbind(1):
                _, state = net.step(token, state)
            begin, never = int(read[0, -1]), -1
            (row,) = sample(net.step, state, 1, begin, never, length, model.device, temperature=temperature, seed=seed)
        return (" " if holds_words(field) else "").join(self.classes[token] for token in row)

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Perplexity and bits a token, beside those of the training tokens' frequencies; fraction of right tokens."""
        examples = getattr(data, split)
        learned = data.train.target(next(iter(data.schema.targets))).flatten()
        frequencies = torch.bincount(learned[learned >= 0], minlength=len(self.classes)).double().cpu()
        log_p = ((frequencies + 1) / (frequencies + 1).sum()).log()
        loss = weight = surprise = right = count = simple = 0.0
        for batch, outputs in model.answers(self, examples):
            counts, logits, known = self.counts(batch), tensor_of(outputs, self.name), batch.labels >= 0
            loss += float(self.terms(logits, batch, counts)[0]) * float(counts[0])
            weight += float(counts[0])
            # whatever the loss: perplexity is of the plain probabilities
            surprise += float(F.cross_entropy(logits[known], batch.labels[known], reduction="sum"))
            right += float(counts[1] - self.errors(logits, batch))
            simple -= float(log_p[batch.labels[known].cpu()].sum())
            count += float(counts[1])
        mean, by_frequency = surprise / count, simple / count
        against = "the frequencies of the training tokens"
        hesitates = "number of equally likely tokens between which it hesitates"
        bits, plain = mean / math.log(2), by_frequency / math.log(2)
        meaning = "mean of -log2 of the probability of the token that comes"
        guessed = _GUESSED if mean >= by_frequency else ""
        metrics = (
            Metric("perplexity", math.exp(mean), hesitates, "", False, math.exp(by_frequency), against, None, guessed),
            Metric("bits per token", bits, meaning, "bits", False, plain, against),
            Metric("accuracy", right / count, "fraction of tokens that it holds for the likeliest", "%"),
        )
        details = {"accuracy": right / count, "tokens": int(count)}
        return Scores(self.name, split, data.name, len(examples), loss / weight, metrics, details)
