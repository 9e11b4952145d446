import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent.bag_of_tokens import BagOfTokens
from neurarium.nets.recurrent.specs import BagOfTokensSpec
from neurarium.record.schema import Field, Schema

ROWS = [[3, 1, 1, 4], [2], [0, 5]]
LENGTHS = torch.tensor([4, 1, 2])


@pytest.fixture
def net() -> BagOfTokens:
    torch.manual_seed(0)
    net = BagOfTokens(6, 4, 5, 3).double()
    torch.nn.init.normal_(net.linear1.bias)
    return net


def padded(rows: list[list[int]], filling: int = 0, longest: int = 4) -> torch.Tensor:
    return torch.tensor([row + [filling] * (longest - len(row)) for row in rows])


def test_equals_a_loop_over_the_tokens(net: BagOfTokens) -> None:
    w = {name: p.detach().numpy() for name, p in net.named_parameters()}
    for got, row in zip(net(padded(ROWS), LENGTHS).detach(), ROWS, strict=True):
        mean = sum(w["embedding.weight"][token] for token in row) / len(row)
        hidden = np.maximum(0, w["linear1.weight"] @ mean + w["linear1.bias"])
        np.testing.assert_allclose(got, w["output.weight"] @ hidden + w["output.bias"], rtol=1e-12)


def test_neither_padding_nor_order_changes_anything(net: BagOfTokens) -> None:
    expected = net(padded(ROWS), LENGTHS)
    for other in (padded(ROWS, filling=5), padded(ROWS, filling=2, longest=9), padded([row[::-1] for row in ROWS])):
        torch.testing.assert_close(net(other, LENGTHS), expected, rtol=1e-12, atol=1e-12)


def test_what_does_not_fit_is_refused(net: BagOfTokens) -> None:
    with pytest.raises(ShapeError, match=r"layer embedding: expected a tensor of shape \(batch, tokens\)"):
        net(torch.zeros(2, 5, 4, dtype=torch.int64), torch.tensor([5, 5]))
    with pytest.raises(ConfigError, match=r"net\.embedding_dim"):
        BagOfTokensSpec(embedding_dim=0)
    for field in (Field((5,), ("a", "b")), Field((None, 2), axis="time"), Field((None,), axis="time")):
        with pytest.raises(ShapeError, match=r"bag-of-tokens input: expected one row of tokens of varying length"):
            BagOfTokensSpec().build(Schema({"x": field}, {"label": Field((), ("a", "b"))}))
