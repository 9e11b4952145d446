"""Which token comes next, at every place of a window.

loss = -1/N sum log p(t_(i+1) | t_1 ... t_i),    perplexity = exp(loss),    bits = loss / log 2
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional as F

from neurarium.data.dataset import Dataset
from neurarium.tasks.classification import Classification
from neurarium.tasks.model import Model
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import tensor_of

_GUESSED = "try another learning rate, more epochs or a longer text."


@dataclass(frozen=True, eq=False)
class LanguageModel(Classification):
    """Classification of every next token, scored by perplexity."""

    name: ClassVar[str] = "language-model"

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
