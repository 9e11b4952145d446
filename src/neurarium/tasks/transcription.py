"""From a series to the row of tokens that is said while it goes on: letters from speech, nobody knows when.

A net is called as net(series, lengths) and answers at every step with logits of the tokens and a blank. The loss is
that of connectionist temporal classification (`learning.ctc`), the error by how many tokens an answer must be changed:

    loss = sum_n -log p(y_n | x_n) / sum_n |y_n|,    error = sum_n edit distance(answer_n, y_n) / sum_n |y_n|
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurarium.checks import ConfigError, DataError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.learning.ctc import ctc_loss, needed
from neurarium.learning.edit_distance import edit_distance
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import BLANK, Schema
from neurarium.tasks.decoding.ctc import best_path, prefix_beam
from neurarium.tasks.interval import ratio_interval, wilson_interval
from neurarium.tasks.model import Model
from neurarium.tasks.prediction import Prediction
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Device, Helpers, Outputs, Trainable, check_shape, refuse_choice, tensor_of

_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Transcription(Trainable):
    """Logits of every step, in a vocabulary that has `BLANK`. `joiner` is what people write between two tokens."""

    vocabulary: tuple[str, ...]
    joiner: str = ""

    name: ClassVar[str] = "transcription"

    @classmethod
    def build(
        cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu"
    ) -> "Transcription":
        """Make the task of the first target; a `DataError` where that is no transcript of one series."""
        refuse_choice(loss, cls.name)
        target = schema.target
        if not target.is_transcript or len(schema.inputs) > 1 or not schema.input.is_ragged:
            expected = f"a series, and rows of tokens of varying length in a vocabulary with {BLANK}"
            got = f"{schema.in_words()}, {len(target.categories)} categories"
            remedy = "give a folder of recordings with their texts, or choose another task"
            raise DataError("target", expected=expected, got=got, remedy=remedy)
        return cls(target.categories, str(target.constants.get("joiner", "")))

    @property
    def blank(self) -> int:
        """Number of the blank."""
        return self.vocabulary.index(BLANK)

    def counts(self, batch: Batch) -> Float[Tensor, "2"]:
        """Number of tokens, twice."""
        return (batch.labels >= 0).sum().float().expand(2)

    def terms(self, outputs: Outputs, batch: Batch, counts: Float[Tensor, "2"]) -> tuple[Tensor, ...]:
        """The loss; a `DataError` where a series has too few steps for its tokens, which no net could say."""
        wanted, lengths = _lengths(batch.labels), batch.inputs[1]
        steps = needed(batch.labels, wanted)
        if bool((short := steps > lengths).any()):
            at = int(short.nonzero()[0])
            which = at if batch.index is None else int(batch.index[at])
            remedy = "give series of finer steps, or leave the example out"
            expected = f"{int(steps[at])} steps or more, for {int(wanted[at])} tokens"
            raise DataError(f"series {which}", expected=expected, got=str(int(lengths[at])), remedy=remedy)
        log_p = tensor_of(outputs, self.name).log_softmax(-1)
        return (ctc_loss(log_p, batch.labels, lengths, wanted, self.blank).sum() / counts[0],)

    def errors(self, outputs: Outputs, batch: Batch) -> Int[Tensor, ""]:
        """Tokens to be put in, taken out or exchanged."""
        logits = tensor_of(outputs, self.name)
        said = best_path(logits, batch.inputs[1], self.blank)
        return torch.tensor(sum(map(edit_distance, said, _rows(batch))), device=logits.device)

    def check(self, outputs: Outputs, batch: Batch) -> None:
        """Refuse other than logits of every step."""
        expected = (*batch.x.shape[:2], len(self.vocabulary))
        remedy = "answer with (batch, time, vocabulary)"
        check_shape(tensor_of(outputs, self.name), expected, f"logits of {BLANK} and tokens at each step", remedy)

    def predict(self, model: Model, batch: Batch, **options: Any) -> Prediction:
        """Write what is said in each series, by the likeliest path where nothing else is asked for.

        Options, else a `ConfigError`: `beams`, beginnings that are kept at each step (default 1: none, the likeliest
        path).
        """
        if unknown := options.keys() - {"beams"}:
            raise ConfigError("predict", expected="no option but beams", got=", ".join(sorted(unknown)))
        logits = tensor_of(model.run(self, batch), self.name)
        texts = tuple(self.text(row) for row in self.decode(logits, batch.inputs[1], **options))
        return Prediction((), np.zeros((len(texts), 0), dtype=np.float32), texts)

    def decode(
        self, logits: Float[Tensor, "batch time tokens"], lengths: Int[Tensor, "batch"], beams: int = 1
    ) -> list[list[int]]:
        """Tokens of the answers. Raises ConfigError: no beam."""
        if beams == 1:
            return best_path(logits, lengths, self.blank)
        rows = zip(logits.log_softmax(-1), lengths.tolist(), strict=True)
        return [list(prefix_beam(row[:length], beams, self.blank)[0][0]) for row, length in rows]

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Errors for each token of the truth, and fraction of answers without an error, by the likeliest paths."""
        examples = getattr(data, split)
        loss, wrong, sizes = 0.0, list[int](), list[int]()
        shown: list[dict[str, str]] = []
        for batch, outputs in model.answers(self, examples):
            counts, truth = self.counts(batch), _rows(batch)
            loss += float(self.terms(outputs, batch, counts)[0]) * float(counts[0])
            said = self.decode(tensor_of(outputs, self.name), batch.inputs[1])
            wrong += map(edit_distance, said, truth)
            sizes += map(len, truth)
            pairs = zip(said[: _SHOWN - len(shown)], truth, strict=False)
            shown += ({"said": self.text(a), "truth": self.text(b)} for a, b in pairs)
        tokens, exact = sum(sizes), wrong.count(0)
        unit = "letter" if all(len(token) == 1 for token in self.vocabulary if token != BLANK) else "token"
        each = f"{unit}s to be put in, taken out or exchanged, for each {unit} that is right"
        whole = f"fraction of answers without a wrong {unit}"
        interval = ratio_interval(wrong, sizes)
        rate = Metric(f"{unit} error rate", sum(wrong) / tokens, each, "%", False, 1.0, "an empty answer", interval)
        exactly = Metric("exact answers", exact / len(sizes), whole, "%", interval=wilson_interval(exact, len(sizes)))
        return Scores(self.name, split, data.name, len(examples), loss / tokens, (rate, exactly), {"answers": shown})

    def text(self, tokens: Sequence[int]) -> str:
        """Tokens as people write them."""
        return self.joiner.join(self.vocabulary[k] for k in tokens)


def _lengths(labels: Int[Tensor, "batch longest"]) -> Int[Tensor, "batch"]:
    return (labels >= 0).sum(1)


def _rows(batch: Batch) -> list[list[int]]:
    return [[token for token in row if token >= 0] for row in batch.labels.tolist()]
