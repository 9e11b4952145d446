"""minGRU and minLSTM: their sequential forms in NumPy, gates that are shut."""

import numpy as np
import pytest
import torch
from scipy import stats

from neurarium.nets.recurrent.min_gru import MinGRU
from neurarium.nets.recurrent.min_lstm import MinLSTM


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def affine(layer: torch.nn.Linear, x: np.ndarray) -> np.ndarray:
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def test_min_gru_is_its_sequential_form() -> None:
    torch.manual_seed(0)
    net, x = MinGRU(3, 5).double(), torch.randn(2, 7, 3, dtype=torch.float64)
    h = np.zeros((2, 5))
    for t, found in enumerate(net(x).detach().numpy().swapaxes(0, 1)):
        z = logistic(affine(net.gate, x[:, t].numpy()))
        h = (1 - z) * h + z * affine(net.value, x[:, t].numpy())
        np.testing.assert_allclose(found, h, rtol=1e-12)


def test_min_lstm_is_its_sequential_form() -> None:
    torch.manual_seed(0)
    net, x = MinLSTM(3, 5).double(), torch.randn(2, 7, 3, dtype=torch.float64)
    h = np.zeros((2, 5))
    for t, found in enumerate(net(x).detach().numpy().swapaxes(0, 1)):
        f, i = (logistic(affine(gate, x[:, t].numpy())) for gate in (net.forget, net.enter))
        h = f / (f + i) * h + i / (f + i) * affine(net.value, x[:, t].numpy())
        np.testing.assert_allclose(found, h, rtol=1e-12)


@pytest.mark.parametrize(("p", "q", "fraction"), [(-200.0, -200.0, 0.5), (-200.0, 200.0, 1.0), (200.0, -200.0, 0.0)])
def test_gates_of_min_lstm_that_are_shut_give_no_nan(p: float, q: float, fraction: float) -> None:
    net = MinLSTM(1, 1)
    with torch.no_grad():
        net.forget.bias.fill_(p)
        net.enter.bias.fill_(q)
    x = torch.zeros(1, 1, requires_grad=True)
    found = net.fraction(x)
    found.sum().backward()
    assert found.item() == fraction
    assert net.forget.bias.grad is not None
    assert net.forget.bias.grad.isfinite().all()


@pytest.mark.parametrize("kind", [MinGRU, MinLSTM])
def test_units_begin_with_memories_of_all_lengths(kind) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    nothing = torch.zeros(1, 3)
    steps = 1 / kind(3, 4000, 200).fraction(nothing)[0].detach().numpy()
    assert stats.kstest((steps - 2) / 198, "uniform").pvalue > 0.01
    np.testing.assert_allclose(kind(3, 5).fraction(nothing).detach().numpy(), 0.5)
