"""Letters to phonemes with g2p-en's weights against what g2p-en writes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.checks import DataError, ShapeError
from neurarium.nets.recurrent.graphemes_to_phonemes import (
    END,
    GRAPHEMES,
    LONGEST,
    PHONEMES,
    START,
    GraphemesToPhonemes,
    spelled,
    with_public_weights,
)
from neurarium.tasks.decoding import search

REFERENCE = Path(__file__).parents[2] / "reference" / "g2p_en.npz"


def test_public_weights_write_what_they_write_elsewhere() -> None:
    found = importlib.util.find_spec("g2p_en")
    if found is None or found.origin is None:
        pytest.skip("needs the package g2p-en: pip install --no-deps g2p-en==2.1.0")
    net = with_public_weights(GraphemesToPhonemes(), Path(found.origin).parent / "checkpoint20.npz")
    with np.load(REFERENCE) as stored, torch.no_grad():
        words, expected = stored["words"].tolist(), stored["phonemes"].tolist()
    source, lengths = spelled(words)
    ends = PHONEMES.index(START), PHONEMES.index(END)
    with torch.no_grad():
        said = search.greedy(net.say, net.begin(source, lengths), len(words), *ends, LONGEST, "cpu")
    assert [" ".join(PHONEMES[k] for k in row) for row in said] == expected


def test_letters_and_phonemes_stand_in_the_source_s_order() -> None:
    with np.load(REFERENCE) as stored:
        assert stored["graphemes"].tolist() == list(GRAPHEMES)
        assert stored["phoneme_list"].tolist() == list(PHONEMES)


def test_what_is_said_step_by_step_is_what_is_said_at_once() -> None:
    net = GraphemesToPhonemes()
    source, lengths = spelled(["wolf", "at"])
    target = torch.randint(len(PHONEMES), (2, 6))
    with torch.no_grad():
        together, state = net(source, target, lengths), net.begin(source, lengths)
        for place in range(6):
            logits, state = net.say(target[:, place], state)
            torch.testing.assert_close(logits, together[:, place])
        torch.testing.assert_close(net(source[1:, :3], target[1:], lengths[1:]), together[1:])


def test_bad_input() -> None:
    net = GraphemesToPhonemes()
    with pytest.raises(DataError, match="words: expected at least one"):
        spelled([])
    source, lengths = spelled(["É7"])
    assert [GRAPHEMES[k] for k in source[0]] == ["<unk>", "<unk>", "</s>"]
    with pytest.raises(ShapeError, match="source: expected numbers of 29 letters"):
        net(source + 28, torch.zeros(1, 2, dtype=torch.long), lengths)
    with pytest.raises(ShapeError, match="target: expected numbers of 74 phonemes"):
        net(source, torch.full((1, 2), 74), lengths)
