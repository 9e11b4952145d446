"""Norms and singular values by products alone, against Jacobians written out in full."""

import pytest
import torch
from torch import nn
from torch.autograd.functional import jacobian

from neurarium.learning.trace.jacobian import (
    GraphProducts,
    MatrixProducts,
    diagonal_spectrum,
    function_spectrum,
    matrix_spectrum,
)

torch.manual_seed(0)
ATTENTION = nn.MultiheadAttention(6, 2, batch_first=True).double()
LAYERS = {
    "linear": (nn.Linear(30, 24).double(), (30,)),
    "convolution": (nn.Conv2d(2, 3, 3, padding=1).double(), (2, 6, 6)),
    "attention": (lambda x: ATTENTION(x, x, x)[0], (5, 6)),
    "softmax": (nn.Softmax(-1), (20,)),
    "tanh net": (nn.Sequential(nn.Linear(20, 40), nn.Tanh(), nn.Linear(40, 18)).double(), (20,)),
    "layer norm": (nn.LayerNorm(20).double(), (20,)),
    "max pool": (nn.MaxPool2d(2), (2, 6, 6)),
    "few outputs": (nn.Sequential(nn.Linear(20, 7), nn.Tanh()).double(), (20,)),
}


def materialized(function, x):
    """Jacobian of each example as a matrix."""
    return torch.stack([jacobian(function, row[None]).reshape(-1, row.numel()) for row in x])


def draw():
    return torch.Generator().manual_seed(1)


@pytest.fixture(params=LAYERS)
def case(request):
    function, shape = LAYERS[request.param]
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    return function, x, materialized(function, x)


def test_products_are_those_with_the_matrix(case):
    function, x, full = case
    products = GraphProducts(lambda rows: function(rows[0]), [x], copies=2)
    u = torch.randn(3, 2, full.shape[1], dtype=torch.float64, generator=draw())
    v = torch.randn(3, 2, full.shape[2], dtype=torch.float64, generator=draw())
    torch.testing.assert_close(products.transposed(u), u @ full)
    torch.testing.assert_close(products.straight(v), v @ full.mT)
    torch.testing.assert_close(products.straight(2 * v), 2 * v @ full.mT)  # the graph serves more than once


def test_enough_iterations_find_the_singular_values(case):
    function, x, full = case
    outputs = full.shape[1]
    found = function_spectrum(lambda rows: function(rows[0]), [x], outputs, count=3, iterations=30, generator=draw())
    expected = torch.linalg.svdvals(full)[:, :3].mean(0)
    torch.testing.assert_close(torch.tensor(found.values, dtype=torch.float64), expected, rtol=1e-6, atol=1e-9)


def test_few_iterations_come_close_from_below(case):
    function, x, full = case
    found = function_spectrum(lambda rows: function(rows[0]), [x], full.shape[1], 3, iterations=2, generator=draw())
    expected = torch.linalg.svdvals(full)[:, :3].mean(0)
    got = torch.tensor(found.values, dtype=torch.float64)
    assert (got <= expected * (1 + 1e-9)).all()
    assert got[0] > 0.9 * expected[0]
    assert got[2] > 0.75 * expected[2]


def test_the_norm_is_unbiased(case):
    function, x, full = case
    expected = full.square().sum((1, 2)).mean()
    squares = [
        function_spectrum(
            lambda rows: function(rows[0]), [x], full.shape[1], 3, 1, torch.Generator().manual_seed(s)
        ).norm
        ** 2
        for s in range(40)
    ]
    assert sum(squares) / 40 == pytest.approx(float(expected), rel=0.1)


@pytest.mark.parametrize("sizes", [(7, 40), (40, 7), (16, 50)])
def test_small_jacobians_are_exact_at_once(sizes):
    weight = torch.randn(*sizes, dtype=torch.float64, generator=draw())
    found = matrix_spectrum(weight, 3, 1, draw())
    assert found.exact
    assert found.norm == pytest.approx(float(torch.linalg.matrix_norm(weight)), rel=1e-10)
    assert found.values == pytest.approx(torch.linalg.svdvals(weight)[:3].tolist(), rel=1e-8)


def test_equal_singular_values_are_no_exact_norm_by_chance():
    # a Krylov space of a projection stops growing after one block: its rest is noise and must not be summed
    weight = torch.eye(30, 80, dtype=torch.float64)
    found = matrix_spectrum(weight, 3, 6, draw())
    assert not found.exact
    assert found.values == pytest.approx([1, 1, 1], abs=1e-9)
    assert found.norm == pytest.approx(30**0.5, rel=0.3)


def test_matrix_and_graph_agree():
    weight = torch.randn(20, 30, dtype=torch.float64, generator=draw())
    graph = GraphProducts(lambda rows: rows[0] @ weight.mT, [torch.zeros(1, 30, dtype=torch.float64)], 2)
    matrix = MatrixProducts(weight, 2)
    u, v = torch.randn(1, 2, 20, dtype=torch.float64), torch.randn(1, 2, 30, dtype=torch.float64)
    torch.testing.assert_close(graph.transposed(u), matrix.transposed(u))
    torch.testing.assert_close(graph.straight(v), matrix.straight(v))


def test_several_inputs_make_one_vector():
    a, b = torch.randn(2, 4, 20, 25, dtype=torch.float64, generator=draw()).unbind(0)
    x, y = torch.zeros(1, 25, dtype=torch.float64), torch.zeros(1, 25, dtype=torch.float64)
    found = function_spectrum(lambda r: r[0] @ a[0].mT + r[1] @ b[0].mT, [x, y], 20, 2, 20, draw())
    expected = torch.linalg.svdvals(torch.cat([a[0], b[0]], 1))[:2]
    assert found.values == pytest.approx(expected.tolist(), rel=1e-6)


def test_diagonal_is_exact():
    x = torch.tensor([[0.0, 1.0, -2.0]], dtype=torch.float64)
    slope = 1 - torch.tanh(x).square()
    found = diagonal_spectrum(torch.tanh, x, 2)
    assert found.values == pytest.approx(slope[0, :2].tolist())
    assert found.norm == pytest.approx(float(slope.norm()))


def test_a_constant_has_no_jacobian_to_speak_of():
    x = torch.ones(2, 20)
    found = function_spectrum(lambda rows: torch.ones(len(rows[0]), 20), [x], 20, 3, 2, draw())
    assert (found.norm, found.values) == (0.0, (0.0, 0.0, 0.0))
    assert diagonal_spectrum(lambda x: torch.ones_like(x).detach(), x, 2).values == (0.0, 0.0)


def test_infinite_derivatives_are_told():
    found = function_spectrum(lambda rows: rows[0].sqrt() @ torch.ones(20, 18), [torch.zeros(1, 20)], 18, 2, 2, draw())
    assert not torch.tensor([found.norm, *found.values]).isfinite().any()
