"""Attention of a decoder to what its encoder said: a score a pair, a softmax over the source, a mean by its weights.

    a_ij = softmax_j(e_ij),    c_i = sum_j a_ij h_j
    additive        e_ij = v . tanh(W s_i + U h_j + b)
    multiplicative  e_ij = s_i . (W h_j)

s_i is the query of place i, h_j the key of place j, which is its value as well.

Sources: D. Bahdanau, K. Cho, Y. Bengio, "Neural machine translation by jointly learning to align and translate", 2015
(additive); M.-T. Luong, H. Pham, C. Manning, "Effective approaches to attention-based neural machine translation", 2015
(multiplicative, their "general").
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.padded import inside


def masked_softmax(
    scores: Float[Tensor, "*rows keys"], seen: Bool[Tensor, "*#rows keys"]
) -> Float[Tensor, "*rows keys"]:
    """Softmax over the keys that are seen; where none is, zeros, with a gradient of zero.

    Example:
        >>> masked_softmax(torch.zeros(2, 2), torch.tensor([[True, False], [False, False]]))
        tensor([[1., 0.],
                [0., 0.]])
    """
    filled = scores.masked_fill(~seen, -torch.inf)
    some = seen.any(-1, keepdim=True)
    return filled.masked_fill(~some, 0).softmax(-1).masked_fill(~seen, 0)


def additive_scores(
    queries: Float[Tensor, "batch queries width"], keys: Float[Tensor, "batch keys width"], v: Float[Tensor, "width"]
) -> Float[Tensor, "batch queries keys"]:
    """v . tanh(q_i + k_j), of queries and keys that are projected already."""
    return torch.tanh(queries[:, :, None] + keys[:, None]) @ v


def multiplicative_scores(
    queries: Float[Tensor, "batch queries width"], keys: Float[Tensor, "batch keys width"]
) -> Float[Tensor, "batch queries keys"]:
    """q_i . k_j, of keys that are projected already."""
    return queries @ keys.transpose(1, 2)


class _Alignment(nn.Module):
    """What both have in common: keys are projected once a source, then scored against queries."""

    project: nn.Linear  # of the keys

    def scores(self, queries: Tensor, projected: Tensor) -> Tensor:
        """e_ij."""
        raise NotImplementedError

    def attend(
        self,
        queries: Float[Tensor, "batch queries width"],
        keys: Float[Tensor, "batch keys features"],
        projected: Float[Tensor, "batch keys inner"],
        lengths: Int[Tensor, "batch"],
    ) -> tuple[Float[Tensor, "batch queries features"], Float[Tensor, "batch queries keys"]]:
        """c_i and a_ij, where the projection of the keys is at hand."""
        weights = masked_softmax(self.scores(queries, projected), inside(lengths, keys.shape[1])[:, None])
        return weights @ keys, weights

    def forward(
        self,
        queries: Float[Tensor, "batch queries width"],
        keys: Float[Tensor, "batch keys features"],
        lengths: Int[Tensor, "batch"],
    ) -> tuple[Float[Tensor, "batch queries features"], Float[Tensor, "batch queries keys"]]:
        """c_i and a_ij; keys behind a row's length are not seen."""
        return self.attend(queries, keys, self.project(keys), lengths)


class AdditiveAttention(_Alignment):
    """The additive form above; `width` is the size of v, by default that of a query."""

    def __init__(self, query: int, key: int, width: int | None = None) -> None:
        super().__init__()
        width = width or query
        self.query, self.project = nn.Linear(query, width, bias=False), nn.Linear(key, width)
        self.v = nn.Linear(width, 1, bias=False)
        for layer in (self.query, self.project, self.v):
            initialize_layer_(layer, "xavier")

    def scores(
        self, queries: Float[Tensor, "batch queries width"], projected: Float[Tensor, "batch keys inner"]
    ) -> Float[Tensor, "batch queries keys"]:
        """e_ij."""
        return additive_scores(self.query(queries), projected, self.v.weight[0])


class MultiplicativeAttention(_Alignment):
    """The multiplicative form above."""

    def __init__(self, query: int, key: int) -> None:
        super().__init__()
        self.project = nn.Linear(key, query, bias=False)
        initialize_layer_(self.project, "xavier")

    def scores(
        self, queries: Float[Tensor, "batch queries width"], projected: Float[Tensor, "batch keys inner"]
    ) -> Float[Tensor, "batch queries keys"]:
        """e_ij."""
        return multiplicative_scores(queries, projected)


ALIGNMENTS: dict[str, type[AdditiveAttention | MultiplicativeAttention]] = {
    "additive": AdditiveAttention,
    "multiplicative": MultiplicativeAttention,
}
"""By name; each is made from the sizes of a query and of a key."""
