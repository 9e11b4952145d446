"""From one row of tokens to another, token by token.

In training the net is given each target's tokens up to one before the one it is asked for (teacher forcing):

    loss = -1/N sum_(n,i) log p(y_(i+1) | x, y_1 ... y_i)

With scheduled sampling some of the given tokens are the likeliest by the net itself, found in a first pass over the
true ones, so that a second pass sees its mistakes and is computed at all places at once.

The first token of a target is its start, the last its end. A net is called as net(source, target, source_lengths) and
answers with logits (batch, target length, vocabulary); what it says at a place must depend on the target up to there
alone.

Sources: I. Sutskever, O. Vinyals, Q. Le, "Sequence to sequence learning with neural networks", 2014; S. Bengio et al.,
"Scheduled sampling for sequence prediction with recurrent neural networks", 2015, in the form of T. Mihaylova,
A. Martins, "Scheduled sampling for transformers", 2019.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurarium.checks import ConfigError, DataError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.uniforms import uniforms
from neurarium.learning.loss import Loss
from neurarium.learning.losses import Criterion
from neurarium.nets.decoding import StepDecoder
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.decoding import search
from neurarium.tasks.interval import wilson_interval
from neurarium.tasks.model import Model
from neurarium.tasks.prediction import Prediction
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Context, Device, Helpers, Net, Outputs, Trainable, check_shape, evaluating, tensor_of

START, END = "<start>", "<end>"
_LONGEST = 200


@dataclass(frozen=True, eq=False)
class Translation(Trainable):
    """Logits of every next token of the target, in a vocabulary that has `START` and `END`.

    `joiner` is what stands between the tokens of an answer, as people write it; `own_tokens` the probability that a
    given token is the net's own in training, from the second epoch on.
    """

    criterion: Criterion
    vocabulary: tuple[str, ...]
    joiner: str = " "
    own_tokens: float = 0.0

    name: ClassVar[str] = "translation"

    @classmethod
    def build(
        cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu"
    ) -> "Translation":
        """Make the task of the first target; a `DataError` where that is no row of tokens from start to end."""
        target = schema.target
        if not target.is_ragged or not {START, END} <= set(target.categories):
            expected = f"rows of tokens of varying length, in a vocabulary with {START} and {END}"
            got = f"{target.in_words()} of {len(target.categories)} categories"
            remedy = "choose a net that is made for such targets (neurarium list)"
            raise DataError("target", expected=expected, got=got, remedy=remedy)
        joiner = str(target.constants.get("joiner", " "))
        return cls(loss.build(target, device), target.categories, joiner, spec.scheduled_sampling)

    def forward(self, net: Net, batch: Batch, context: Context) -> Outputs:
        """Let the net see the target up to one token before each that it is asked for."""
        given = batch.labels[:, :-1].clamp(min=0)
        if context.training and self.own_tokens and context.epoch > 1 and batch.index is not None:
            given = self._mixed(net, batch, given, context)
        return net(batch.x, given, *batch.inputs[1:])

    def _mixed(self, net: Net, batch: Batch, given: Tensor, context: Context) -> Tensor:
        """The given tokens, some of them the likeliest by the net; the start stays."""
        with torch.no_grad():
            said = tensor_of(net(batch.x, given, *batch.inputs[1:]), self.name).argmax(-1)
        assert batch.index is not None
        draws = uniforms(batch.index.to(given.device), given.shape[1] - 1, context.seed, context.epoch)
        own = torch.where(draws < self.own_tokens, said[:, :-1], given[:, 1:])
        return torch.cat([given[:, :1], own], 1)

    def counts(self, batch: Batch) -> Float[Tensor, "2"]:
        """Weights of the tokens that are asked for, and their number."""
        wanted = batch.labels[:, 1:]
        mask = wanted >= 0
        return torch.stack([self.criterion.weight(wanted, mask), mask.sum().float()])

    def terms(self, outputs: Outputs, batch: Batch, counts: Float[Tensor, "2"]) -> tuple[Tensor, ...]:
        """The loss of the tokens."""
        wanted = batch.labels[:, 1:]
        return (self.criterion.loss(tensor_of(outputs, self.name), wanted, counts[0], wanted >= 0),)

    def errors(self, outputs: Outputs, batch: Batch) -> Int[Tensor, ""]:
        """Number of wrong tokens."""
        wanted = batch.labels[:, 1:]
        return ((tensor_of(outputs, self.name).argmax(-1) != wanted) & (wanted >= 0)).sum()

    def check(self, outputs: Outputs, batch: Batch) -> None:
        """Refuse other than logits of every token that is asked for."""
        expected = (batch.size, batch.labels.shape[1] - 1, len(self.vocabulary))
        remedy = "answer with (batch, target length, vocabulary)"
        check_shape(tensor_of(outputs, self.name), expected, "logits of each next token", remedy)

    def predict(self, model: Model, batch: Batch, **options: Any) -> Prediction:
        """Write an answer to each source, greedily where nothing else is asked for.

        Options, else a `ConfigError`: `longest`, tokens of an answer at most (default 200); `beams`, kept at a time
        (default 1), and `length_penalty`, alpha of `decoding.search` (default 1); or `temperature` and `seed`, by which
        tokens are drawn.
        """
        known = ("longest", "beams", "length_penalty", "temperature", "seed")
        if unknown := options.keys() - set(known):
            raise ConfigError("predict", expected=f"options among {', '.join(known)}", got=", ".join(sorted(unknown)))
        texts = tuple(self._text(row) for row in self.decode(model, batch, **options))
        return Prediction((), np.zeros((len(texts), 0), dtype=np.float32), texts)

    def decode(
        self,
        model: Model,
        batch: Batch,
        *,
        longest: int = _LONGEST,
        beams: int = 1,
        length_penalty: float = 1.0,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[list[int]]:
        """Tokens of the answers, without start and end. Raises ConfigError: beams and a temperature at once."""
        if beams > 1 and temperature:
            raise ConfigError("temperature", expected="none with several beams", got=str(temperature))
        batch = batch.to(model.device)
        start, end = self.vocabulary.index(START), self.vocabulary.index(END)
        with evaluating(model.net), torch.inference_mode(), model.autocast():
            say, state = saying(model.net, batch.inputs)
            asked = (say, state, batch.size, start, end, longest, model.device)
            if temperature:
                return search.sample(*asked, temperature=temperature, seed=seed)
            if beams == 1:
                return search.greedy(*asked)
            found = search.beam(*asked, beams=beams, alpha=length_penalty)
            return [list(answers[0].tokens) for answers in found]

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Fraction of answers that are right from start to end, and of right tokens under teacher forcing."""
        examples = getattr(data, split)
        end, start = self.vocabulary.index(END), self.vocabulary.index(START)
        loss = wrong = weight = tokens = 0.0
        exact, shown = 0, list[tuple[list[int], list[int]]]()
        for batch, outputs in model.answers(self, examples):
            counts = self.counts(batch)
            loss += float(self.terms(outputs, batch, counts)[0]) * float(counts[0])
            wrong += float(self.errors(outputs, batch))
            weight, tokens = weight + float(counts[0]), tokens + float(counts[1])
            wanted = [[t for t in row if t >= 0 and t not in (start, end)] for row in batch.labels.tolist()]
            found = self.decode(model, batch, longest=max(map(len, wanted)) + 2)
            exact += sum(a == b for a, b in zip(found, wanted, strict=True))
            shown += list(zip(found, wanted, strict=True)) if len(shown) < 10 else []
        fraction, interval = exact / len(examples), wilson_interval(exact, len(examples))
        whole = "fraction of answers without a wrong token, decoded greedily"
        each = "fraction of right next tokens, the right ones before given"
        metrics = (
            Metric("exact answers", fraction, whole, "%", interval=interval),
            Metric("token accuracy", 1 - wrong / tokens, each, "%"),
        )
        details = {"answers": [{"said": self._text(a), "truth": self._text(b)} for a, b in shown[:10]]}
        return Scores(self.name, split, data.name, len(examples), loss / weight, metrics, details)

    def _text(self, tokens: list[int]) -> str:
        return self.joiner.join(self.vocabulary[k] for k in tokens)


def saying(net: Net, inputs: tuple[Tensor, ...]) -> tuple[search.Say, search.State]:
    """How a net says one token after the other, and the state before the first; one that cannot reads all again."""
    if isinstance(net, StepDecoder):
        return net.say, net.begin(*inputs)

    def again(tokens: Tensor, state: search.State) -> tuple[Tensor, search.State]:
        source, said, *lengths = state
        said = torch.cat([said, tokens[:, None]], 1)
        return net(source, said, *lengths)[:, -1], (source, said, *lengths)

    return again, (inputs[0], inputs[0].new_zeros(len(inputs[0]), 0, dtype=torch.long), *inputs[1:])
