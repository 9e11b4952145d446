"""From an English word's letters to its sounds: a GRU reads the word, another begins in its last state and writes.

    h_j = GRU(E x_j, h_(j-1)),    s_0 = h_T,    s_i = GRU'(F y_i, s_(i-1)),    log p(y_(i+1)) = log softmax(W s_i + b)

x ends with </s>; y begins with <s> and comes to its end with </s>. Phonemes are those of the CMU dictionary, vowels
with their stress (0 none, 1 primary, 2 secondary). 834,890 parameters.

Source: the package g2p-en (K. Park, J. Kim, Apache 2.0 license); the net is that of I. Sutskever, O. Vinyals, Q. Le,
"Sequence to sequence learning with neural networks", 2014, with one GRU layer.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.checks import DataError
from neurarium.nets.decoding import State, StepDecoder
from neurarium.nets.parts.padded import check_padded
from neurarium.nets.parts.places import check_places
from neurarium.nets.recurrent.gru import GRU
from neurarium.nets.weights.converting import renamed
from neurarium.nets.weights.loading import load_weights
from neurarium.nets.weights.reading import read_weights

START, END = "<s>", "</s>"
_UNKNOWN = "<unk>"
GRAPHEMES = ("<pad>", _UNKNOWN, END, *"abcdefghijklmnopqrstuvwxyz")
_ONE = "B CH D DH F G HH JH K L M N NG P R S SH T TH UW V W Y Z ZH"
_STRESSED = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"
_SOUNDS = sorted([*_ONE.split(), *(vowel + stress for vowel in _STRESSED.split() for stress in "012")])
PHONEMES = ("<pad>", _UNKNOWN, START, END, *_SOUNDS)
"""UW stands there without a stress too, as the package has it."""

WIDTH, HIDDEN = 256, 256
LONGEST = 20
"""Phonemes that the package writes at most."""


def spelled(words: Sequence[str]) -> tuple[Int[Tensor, "batch letters"], Int[Tensor, "batch"]]:
    """Words as padded rows of letters and their lengths, the end among them; what is no letter of a to z is unknown.

    Raises DataError: no words.

    Example:
        >>> rows, lengths = spelled(["net", "a"])
        >>> [GRAPHEMES[k] for k in rows[0]], lengths.tolist()
        (['n', 'e', 't', '</s>'], [4, 2])
    """
    if not words:
        raise DataError("words", expected="at least one", got="none")
    known = {letter: k for k, letter in enumerate(GRAPHEMES)}
    rows = [torch.tensor([*(known.get(c, known[_UNKNOWN]) for c in word.lower()), known[END]]) for word in words]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])


class GraphemesToPhonemes(StepDecoder, nn.Module):
    """The net above."""

    def __init__(self) -> None:
        super().__init__()
        self.source_embedding = nn.Embedding(len(GRAPHEMES), WIDTH)
        self.target_embedding = nn.Embedding(len(PHONEMES), WIDTH)
        self.encoder, self.decoder = GRU(WIDTH, HIDDEN), GRU(WIDTH, HIDDEN)
        self.output = nn.Linear(HIDDEN, len(PHONEMES))

    def forward(
        self, source: Int[Tensor, "..."], target: Int[Tensor, "..."], source_lengths: Int[Tensor, "..."]
    ) -> Float[Tensor, "batch length phonemes"]:
        """Logits of the phoneme after each place of the target.

        Source and target are (batch, length), padded with any token; the target begins with its start.
        Raises ShapeError: other dimensions, more or fewer targets than sources, or an unknown token.
        """
        check_padded(target, source_lengths.clamp(max=target.shape[1]), "layer target_embedding", "phonemes")
        check_places(target, len(PHONEMES), "target", "phonemes")
        s, _ = self.decoder.unroll(self.target_embedding(target), None, self.begin(source, source_lengths))
        return self.output(s)

    def begin(self, source: Int[Tensor, "..."], *lengths: Int[Tensor, "..."]) -> State:
        """Read the words."""
        check_padded(source, lengths[0], "layer source_embedding", "letters")
        check_places(source, len(GRAPHEMES), "source", "letters")
        return self.encoder.unroll(self.source_embedding(source), lengths[0]).last

    def say(self, tokens: Int[Tensor, "rows"], state: State) -> tuple[Float[Tensor, "rows phonemes"], State]:
        """Logits of the phoneme after one more of each row."""
        s, after = self.decoder.step(self.target_embedding(tokens), state)
        return self.output(s), after


def converted(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the arrays of g2p-en our names; its gates stand in torch's order."""
    rules = [
        (r"^enc_emb$", "source_embedding.weight"),
        (r"^dec_emb$", "target_embedding.weight"),
        (r"^(enc|dec)_w_", r"\1oder.weight_"),
        (r"^(enc|dec)_b_", r"\1oder.bias_"),
        (r"^fc_w$", "output.weight"),
        (r"^fc_b$", "output.bias"),
    ]
    return renamed(tensors, rules)


def with_public_weights(net: GraphemesToPhonemes, path: str | Path) -> GraphemesToPhonemes:
    """Load what g2p-en ships (`g2p_en/checkpoint20.npz`; Apache 2.0 license); evaluation mode.

    Raises DataError: no such file, or a damaged one; ConfigError, ShapeError: weights of another net, by name.
    """
    load_weights(net, converted(read_weights(path)), str(path))
    return net.eval()
