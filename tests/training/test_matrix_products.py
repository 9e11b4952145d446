from collections.abc import Callable

import pytest
import torch
from torch import nn

from neurarium.training import matrix_products
from neurarium.training.device import find_device
from neurarium.training.matrix_products import FastLinear, LargestLinear, _product, choose_products, is_available

pytestmark = pytest.mark.skipif(not is_available(), reason="torch carries one library for matrix products")


def layer_and_input(*rows: int) -> tuple[nn.Linear, torch.Tensor]:
    torch.manual_seed(0)
    return nn.Linear(400, 300), torch.randn(*rows, 400, requires_grad=True)


@pytest.mark.parametrize("rows", [(64,), (4, 16)])
@pytest.mark.parametrize("bias", [True, False])
def test_outputs_and_gradients_are_those_of_float64(rows: tuple[int, ...], bias: bool) -> None:
    layer, x = layer_and_input(*rows)
    if not bias:
        layer.bias = None  # type: ignore[assignment]
    g = torch.randn(*rows, 300)
    with FastLinear():
        y = layer(x)
    assert y.grad_fn is not None
    assert "_Linear" in y.grad_fn.name()
    y.backward(g)
    flat, signal, w = x.detach().double().reshape(-1, 400), g.double().reshape(-1, 300), layer.weight.detach().double()
    expected = flat @ w.T + (layer.bias.detach().double() if bias else 0)
    assert x.grad is not None
    assert layer.weight.grad is not None
    torch.testing.assert_close(y.detach().double().reshape(-1, 300), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(x.grad.double().reshape(-1, 400), signal @ w, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(layer.weight.grad.double(), signal.T @ flat, rtol=1e-5, atol=1e-5)
    if bias:
        assert layer.bias.grad is not None
        torch.testing.assert_close(layer.bias.grad.double(), signal.sum(0), rtol=1e-5, atol=1e-5)


PARTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "rows of the transpose": lambda z: z.T[:300],
    "columns": lambda z: z[:, :500],
    "every second column": lambda z: z[:, ::2],
    "transpose": lambda z: z.T,
    "one row again and again": lambda z: z[:1].expand(300, -1),
    "one column": lambda z: z[:, :1],
}


@pytest.mark.parametrize("part", PARTS)
def test_parts_of_larger_matrices(part: str) -> None:
    torch.manual_seed(0)
    weight = PARTS[part](torch.randn(500, 600))
    x = PARTS[part](torch.randn(500, 600))
    y = _product(x, weight)
    torch.testing.assert_close(y.double(), x.double() @ weight.double().T, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("part", PARTS)
def test_weights_come_to_the_library_whole(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of others it has reference code alone, a thousand times slower; a transpose is not copied in vain."""
    seen: list[torch.Tensor] = []

    def operator(x: torch.Tensor, weight: torch.Tensor, *rest: object) -> torch.Tensor:
        seen.append(weight)
        return x @ weight.T

    monkeypatch.setattr(matrix_products, "_operator", lambda: operator)
    weight = PARTS[part](torch.randn(500, 600))
    _product(torch.randn(2, weight.shape[1]), weight)
    rows, columns = weight.shape
    assert torch.equal(seen[0], weight)
    assert seen[0].stride() in {(columns, 1), (1, rows)}
    assert (seen[0].data_ptr() == weight.data_ptr()) == (part == "transpose")


def test_gradient_of_a_part_of_the_input() -> None:
    """On the way back the input is a weight: it is no whole matrix either."""
    torch.manual_seed(0)
    z, layer = torch.randn(128, 500), nn.Linear(400, 300)
    x, g = z[:, :400], torch.randn(128, 300)
    with FastLinear():
        y = layer(x)
    y.backward(g)
    assert "_Linear" in y.grad_fn.name()
    torch.testing.assert_close(layer.weight.grad.double(), g.double().T @ x.double(), rtol=1e-5, atol=1e-4)


def test_gradient_of_a_gradient() -> None:
    layer, x = layer_and_input(64)

    def penalty() -> torch.Tensor:
        (slope,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), layer.weight)[0]

    plain = penalty()
    with FastLinear():
        fast = penalty()
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-3)


def test_what_it_does_not_take_is_left_to_torch() -> None:
    layer, x = layer_and_input(64)
    double, small = layer_and_input(64)[0].double(), nn.Linear(3, 2)
    with FastLinear():
        assert double(x.detach().double()).dtype == torch.float64
        assert "_Linear" not in small(torch.zeros(5, 3)).grad_fn.name()
        per_example = torch.func.vmap(lambda row: layer(row.expand(64, 400)))(x.detach())
    assert per_example.shape == (64, 64, 300)
    assert "_Linear" not in layer(x).grad_fn.name()


def test_the_trainer_takes_it_where_float32_is_asked_for() -> None:
    layer, x = layer_and_input(64)
    with find_device("cpu", matrix_products="onednn").autocast():
        assert "_Linear" in layer(x).grad_fn.name()
    with find_device("cpu", "bfloat16").autocast():
        assert layer(x).dtype == torch.bfloat16


def test_the_largest_layer_is_seen() -> None:
    net = nn.Sequential(nn.Linear(4, 9), nn.Linear(9, 2, bias=False), nn.Linear(2, 30))
    with LargestLinear() as largest:
        net(torch.zeros(5, 3, 4))
    assert largest.sizes == (15, 2, 30)


def test_what_is_measured_is_one_layer_there_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways can be walked, draw nothing, and small layers are not asked about."""
    told: dict[str, object] = {}

    def choose(name: str, sizes: str, ways: dict[str, Callable[[], None]]) -> str:
        told.update(name=name, sizes=sizes, ways=list(ways))
        for way in ways.values():
            way()
        return "mkl"

    monkeypatch.setattr(matrix_products, "fastest", choose)
    before = torch.get_rng_state()
    assert choose_products(128, 100, 300) == "auto"
    assert not told
    assert choose_products(128, 784, 256) == "mkl"
    assert told["ways"] == ["mkl", "onednn"]
    assert "128 x 784 x 256, 1 threads" in str(told["sizes"])
    assert torch.equal(torch.get_rng_state(), before)
    monkeypatch.setattr(matrix_products, "is_available", lambda: False)
    assert choose_products(128, 784, 256) == "mkl"
    assert told["ways"] == ["mkl"]
