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

from neurarium.checks import ConfigError
from neurarium.data.dataset import Dataset
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.classification import Classification
from neurarium.tasks.model import Model
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Device, Helpers, evaluating, tensor_of


@dataclass(frozen=True, eq=False)
class LanguageModel(Classification):
    """Classification of every next token, scored by perplexity."""

    window: int = 0

    name: ClassVar[str] = "language-model"

    @classmethod
    def build(
        cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu"
    ) -> "LanguageModel":
        """Make the task of tokens that are one row, the only input; `window` is its length, 0 where it varies."""
        made, alone = super().build(spec, loss, schema, helpers, device), len(schema.inputs) == 1
        window = schema.input.shape[0] if alone and len(schema.input.shape) == 1 else 0
        assert isinstance(made, LanguageModel)
        return dataclasses.replace(made, window=window or 0)

    def admits(self, net: nn.Module) -> None:
        """Refuse a net that sees later tokens, and so is told what it is asked: tried with another last token."""
        if self.window < 2 or len(self.classes) < 2:
            return
        rows = torch.zeros(2, self.window, dtype=torch.int64)
        rows[1, -1] = 1
        device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
        with evaluating(net), torch.no_grad():
            one, other = tensor_of(net(rows.to(device)), self.name)[:, :-1]
        if not torch.allclose(one, other, rtol=1e-4, atol=1e-5):
            got, remedy = "answers that depend on the token that comes", "--net.bidirectional False"
            raise ConfigError("net", expected="one that sees no later token", got=got, remedy=remedy)

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Perplexity and bits a token, beside those of the training tokens' frequencies; the share of right tokens."""
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
        metrics = (
            Metric("perplexity", math.exp(mean), hesitates, "", False, math.exp(by_frequency), against),
            Metric("bits per token", bits, meaning, "bits", False, plain, against),
            Metric("accuracy", right / count, "share of tokens that it holds for the likeliest", "%"),
        )
        details = {"accuracy": right / count, "tokens": int(count)}
        return Scores(self.name, split, data.name, len(examples), loss / weight, metrics, details)
