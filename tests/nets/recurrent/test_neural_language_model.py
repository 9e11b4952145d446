import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent.neural_language_model import NeuralLanguageModel
from neurarium.nets.recurrent.specs import NeuralLanguageModelSpec
from neurarium.record.schema import Field, Schema

VOCABULARY, CONTEXT = 7, 3


@pytest.fixture
def net() -> NeuralLanguageModel:
    torch.manual_seed(0)
    net = NeuralLanguageModel(VOCABULARY, CONTEXT, embedding_dim=4, hidden=6).double()
    torch.nn.init.normal_(net.linear1.bias)
    return net


def windows(count: int = 2, length: int = 9) -> torch.Tensor:
    return torch.randint(VOCABULARY, (count, length), generator=torch.Generator().manual_seed(1))


def test_equals_a_loop_over_the_places(net: NeuralLanguageModel) -> None:
    w = {name: p.detach().numpy() for name, p in net.named_parameters()}
    table = w["embedding.weight"]
    for window, got in zip(windows().tolist(), net(windows()).detach().numpy(), strict=True):
        for i in range(len(window)):
            seen = [window[k] if k >= 0 else VOCABULARY for k in range(i - CONTEXT + 1, i + 1)]
            z = np.concatenate([table[token] for token in seen])
            hidden = np.tanh(w["linear1.weight"] @ z + w["linear1.bias"])
            np.testing.assert_allclose(got[i], w["output.weight"] @ hidden + w["output.bias"], rtol=1e-11)


def test_sees_the_last_tokens_and_never_the_next(net: NeuralLanguageModel) -> None:
    tokens = windows(1)
    before = net(tokens)[0]
    for place in range(tokens.shape[1]):
        other = tokens.clone()
        other[0, place] = (other[0, place] + 1) % VOCABULARY
        changed = (net(other)[0] - before).abs().amax(1) > 1e-9
        assert changed.nonzero().flatten().tolist() == list(range(place, min(place + CONTEXT, tokens.shape[1])))


def test_takes_windows_of_any_length(net: NeuralLanguageModel) -> None:
    whole = net(windows())
    for length in (1, 2, 5):
        torch.testing.assert_close(net(windows()[:, :length]), whole[:, :length], rtol=1e-12, atol=1e-12)


def test_what_does_not_fit_is_refused(net: NeuralLanguageModel) -> None:
    with pytest.raises(ShapeError, match=r"layer embedding: expected a tensor of shape \(batch, length\)"):
        net(torch.zeros(5, dtype=torch.int64))
    with pytest.raises(ConfigError, match=r"net\.context"):
        NeuralLanguageModelSpec(context=0)
    next_one = {"next": Field((5,), ("a", "b"))}
    for field in (Field((5,)), Field((None,), ("a", "b"), axis="tokens"), Field((5, 2), ("a", "b"))):
        with pytest.raises(ShapeError, match=r"neural-language-model input: expected windows of a stream"):
            NeuralLanguageModelSpec().build(Schema({"x": field}, next_one))
    with pytest.raises(ShapeError, match=r"target: expected one of the 3 tokens of the input at every place, got 2"):
        NeuralLanguageModelSpec().build(Schema({"x": Field((5,), ("a", "b", "c"))}, next_one))
