import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent.encoder_decoder import EncoderDecoder
from neurarium.nets.recurrent.encoder_decoder_spec import EncoderDecoderSpec
from neurarium.record.schema import Field, Schema

SOURCES = [[3, 1, 2, 4, 4], [2], [0, 4, 1]]
LENGTHS = torch.tensor([5, 1, 3])
TARGETS = torch.tensor([[0, 3, 4, 1], [0, 2, 1, 1], [0, 5, 5, 2]])
Arrays = dict[str, np.ndarray]


def made(**settings: object) -> EncoderDecoder:
    source, target = tuple("abcde"), ("<start>", "<end>", *"abcd")
    schema = Schema({"x": Field((None,), source, axis="x")}, {"y": Field((None,), target, axis="y")})
    net = EncoderDecoderSpec(embedding_dim=3, hidden=4, **settings).build(schema).double()
    assert isinstance(net, EncoderDecoder)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return net


@pytest.fixture
def net() -> EncoderDecoder:
    torch.manual_seed(0)
    return made()


def padded(filling: int = 0, longest: int = 5) -> torch.Tensor:
    return torch.tensor([row + [filling] * (longest - len(row)) for row in SOURCES])


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gru(w: Arrays, which: str, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """A step: r, z, n = gates of rows, in this order; h' = (1 - z) n + z h."""
    a = w[f"{which}.weight_ih"] @ x + w[f"{which}.bias_ih"]
    b = w[f"{which}.weight_hh"] @ h + w[f"{which}.bias_hh"]
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
            s = gru(w, "decoder.0", np.concatenate([y, c]), s)
            np.testing.assert_allclose(got[i], linear(w, "output", np.concatenate([s, y, c])), rtol=1e-11)


def test_attention_equals_loops_over_source_and_target() -> None:
    for attention in ("additive", "multiplicative"):
        net = made(attention=attention, bidirectional=True)
        w = {name: p.detach().numpy() for name, p in net.named_parameters()}
        said, weights = net(padded(), TARGETS, LENGTHS).detach(), net.alignments(padded(), TARGETS, LENGTHS)
        for row, (source, target) in enumerate(zip(SOURCES, TARGETS.tolist(), strict=True)):
            x = [w["source_embedding.weight"][token] for token in source]
            ahead, back = [np.zeros(4)], [np.zeros(4)]
            for k in range(len(x)):
                ahead.append(gru(w, "encoder.forwards", x[k], ahead[-1]))
                back.append(gru(w, "encoder.backwards", x[-1 - k], back[-1]))
            h = [np.concatenate(pair) for pair in zip(ahead[1:], back[:0:-1], strict=True)]
            c = np.tanh(linear(w, "summary", np.concatenate([ahead[-1], back[-1]])))
            s = np.tanh(linear(w, "start", c))
            for i, token in enumerate(target):
                y = w["target_embedding.weight"][token]
                s = gru(w, "decoder.0", y, s)
                if attention == "additive":
                    q = w["attention.query.weight"] @ s
                    e = [w["attention.v.weight"][0] @ np.tanh(q + linear(w, "attention.project", h_j)) for h_j in h]
                else:
                    e = [s @ w["attention.project.weight"] @ h_j for h_j in h]
                a = np.exp(e) / np.exp(e).sum()
                looked = sum(a_j * h_j for a_j, h_j in zip(a, h, strict=True))
                np.testing.assert_allclose(weights[row, i].detach(), [*a, *[0] * (5 - len(h))], atol=1e-12)
                expected = linear(w, "output", np.concatenate([s, y, looked]))
                np.testing.assert_allclose(said[row, i].numpy(), expected, rtol=1e-10)


FORMS = [
    {},
    {"cell": "lstm", "layers": 2, "bidirectional": True, "attention": "additive"},
    {"cell": "several-states", "attention": "multiplicative"},
]


@pytest.mark.parametrize("settings", FORMS)
def test_one_token_at_a_time_says_the_same(settings: dict[str, object]) -> None:
    net = made(**settings)
    expected = net(padded(), TARGETS, LENGTHS)
    state = net.begin(padded(), LENGTHS)
    for place in range(TARGETS.shape[1]):
        logits, state = net.say(TARGETS[:, place], state)
        torch.testing.assert_close(logits, expected[:, place], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("settings", FORMS)
def test_padding_changes_nothing_in_any_form(settings: dict[str, object]) -> None:
    net = made(**settings)
    expected = net(padded(), TARGETS, LENGTHS)
    torch.testing.assert_close(net(padded(4, 9), TARGETS, LENGTHS), expected, rtol=1e-12, atol=1e-12)
    alone = net(torch.tensor([[2]]), TARGETS[1:2], torch.tensor([1]))
    torch.testing.assert_close(alone[0], expected[1], rtol=1e-12, atol=1e-12)


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
