import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent.encoder_decoder import EncoderDecoder
from neurarium.nets.recurrent.specs import EncoderDecoderSpec
from neurarium.record.schema import Field, Schema

SOURCES = [[3, 1, 2, 4, 4], [2], [0, 4, 1]]
LENGTHS = torch.tensor([5, 1, 3])
TARGETS = torch.tensor([[0, 3, 4, 1], [0, 2, 1, 1], [0, 5, 5, 2]])
Arrays = dict[str, np.ndarray]


@pytest.fixture
def net() -> EncoderDecoder:
    torch.manual_seed(0)
    return EncoderDecoder(5, 6, embedding_dim=3, hidden=4).double()


def padded(filling: int = 0, longest: int = 5) -> torch.Tensor:
    return torch.tensor([row + [filling] * (longest - len(row)) for row in SOURCES])


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gru(w: Arrays, which: str, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """A step: r, z, n = gates of rows, in this order; h' = (1 - z) n + z h."""
    a = w[f"{which}.weight_ih_l0"] @ x + w[f"{which}.bias_ih_l0"]
    b = w[f"{which}.weight_hh_l0"] @ h + w[f"{which}.bias_hh_l0"]
    (ar, az, an), (br, bz, bn) = np.split(a, 3), np.split(b, 3)
    r, z = sigmoid(ar + br), sigmoid(az + bz)
    return (1 - z) * np.tanh(an + r * bn) + z * h


def linear(w: Arrays, which: str, x: np.ndarray) -> np.ndarray:
    return w[f"{which}.weight"] @ x + w[f"{which}.bias"]


def test_equals_loops_over_source_and_target(net: EncoderDecoder) -> None:
    w = {name: p.detach().numpy() for name, p in net.named_parameters()}
    said = net(padded(), TARGETS, LENGTHS).detach().numpy()
    for source, target, got in zip(SOURCES, TARGETS.tolist(), said, strict=True):
        h = np.zeros(4)
        for token in source:
            h = gru(w, "encoder", w["source_embedding.weight"][token], h)
        c = np.tanh(linear(w, "summary", h))
        s = np.tanh(linear(w, "start", c))
        for i, token in enumerate(target):
            y = w["target_embedding.weight"][token]
            s = gru(w, "decoder", np.concatenate([y, c]), s)
            np.testing.assert_allclose(got[i], linear(w, "output", np.concatenate([s, y, c])), rtol=1e-11)


def test_padding_of_the_source_changes_nothing(net: EncoderDecoder) -> None:
    expected = net(padded(), TARGETS, LENGTHS)
    for other in (padded(filling=3), padded(filling=4, longest=9)):
        torch.testing.assert_close(net(other, TARGETS, LENGTHS), expected, rtol=1e-12, atol=1e-12)
    alone = net(torch.tensor([[2]]), TARGETS[1:2], torch.tensor([1]))
    torch.testing.assert_close(alone[0], expected[1], rtol=1e-12, atol=1e-12)


def test_what_is_said_depends_on_the_target_up_to_there(net: EncoderDecoder) -> None:
    before = net(padded(), TARGETS, LENGTHS)
    for place in range(TARGETS.shape[1]):
        other = TARGETS.clone()
        other[:, place] = (other[:, place] + 1) % 6
        changed = (net(padded(), other, LENGTHS) - before).abs().amax(2) > 1e-12
        assert changed.tolist() == [[k >= place for k in range(TARGETS.shape[1])]] * 3
    torch.testing.assert_close(net(padded(), TARGETS[:, :2], LENGTHS), before[:, :2], rtol=1e-12, atol=1e-12)


def test_what_does_not_fit_is_refused(net: EncoderDecoder) -> None:
    with pytest.raises(
        ShapeError, match=r"layer source_embedding: expected a tensor of shape \(batch, source tokens\)"
    ):
        net(torch.zeros(2, 5, 4, dtype=torch.int64), TARGETS[:2], torch.tensor([5, 5]))
    with pytest.raises(ShapeError, match=r"lengths: expected shape \(2,\), one a row of layer target_embedding"):
        net(padded(), TARGETS[:2], LENGTHS)
    with pytest.raises(ConfigError, match=r"net\.hidden"):
        EncoderDecoderSpec(hidden=0)
    row = Field((None,), ("a", "b"), axis="source")
    for source in (Field((None, 2), axis="time"), Field((5,), ("a", "b"))):
        with pytest.raises(ShapeError, match=r"encoder-decoder input: expected one row of tokens"):
            EncoderDecoderSpec().build(Schema({"x": source}, {"y": row}))
    with pytest.raises(ShapeError, match=r"target: expected a row of tokens .* got one of 2 categories"):
        EncoderDecoderSpec().build(Schema({"x": row}, {"y": Field((), ("a", "b"))}))
