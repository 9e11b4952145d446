"""Every cell against a step in NumPy, and what one pass over all steps says against step by step."""

import numpy as np
import pytest
import torch
from torch import nn

from neurarium.nets.recurrent.cell import Cell
from neurarium.nets.recurrent.cells import CELLS
from neurarium.nets.recurrent.encoder import stepped
from neurarium.nets.recurrent.recurrent_spec import CellName, RecurrentSpec

every = pytest.mark.parametrize("name", CELLS)
D, H, T, B = 3, 4, 6, 5


def made(name: str, **settings: object) -> Cell:
    torch.manual_seed(0)
    cell = CELLS[name](D, H, **settings).double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return cell


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def norm(a, gain, bias=0.0):
    return (a - a.mean()) / np.sqrt(a.var() + 1e-5) * gain + bias


def step_in_numpy(name, p, x, state):
    """The equations, for one row, written out a second time."""
    h = state[0]
    if name in ("elman", "gru", "lstm"):
        of_x, of_h = p["weight_ih"] @ x + p["bias_ih"], p["weight_hh"] @ h + p["bias_hh"]
    elif name != "several-states":
        of_x, of_h = p["weight_ih"] @ x, p["weight_hh"] @ h
    if name == "elman":
        return [np.tanh(of_x + of_h)]
    if name == "layer-norm-elman":
        return [np.tanh(norm(of_x + of_h, p["norm.weight"], p["norm.bias"]))]
    if name == "second-order":
        products = np.einsum("ijk,j,k->i", p["tensor"], h, x)
        return [np.tanh(products + of_h + of_x + p["bias"])]
    if name == "several-states":
        weights = np.split(p["weight_hh"], len(state), 1)
        of_states = sum(w @ s for w, s in zip(weights, state, strict=True))
        return [np.tanh(p["weight_ih"] @ x + p["bias"] + of_states), *state[:-1]]
    if name == "deep-transition":
        a = np.maximum(of_x + p["bias"] + of_h, 0)
        return [np.tanh(p["layers.0.weight"] @ a + p["layers.0.bias"] + h)]
    if name in ("gru", "layer-norm-gru"):
        if name == "layer-norm-gru":
            of_x = norm(of_x, p["norm_input.weight"], p["norm_input.bias"])
            of_h = norm(of_h, p["norm_hidden.weight"], p["norm_hidden.bias"])
        (xr, xz, xn), (hr, hz, hn) = np.split(of_x, 3), np.split(of_h, 3)
        z, n = sigmoid(xz + hz), np.tanh(xn + sigmoid(xr + hr) * hn)
        return [(1 - z) * n + z * h]
    a, c = of_x + of_h, state[1]
    if "printed" in name:
        a = a + p["bias"]
    if name == "layer-norm-lstm":
        a = norm(of_x, p["norm_input.weight"], p["norm_input.bias"]) + norm(of_h, p["norm_hidden.weight"])
    i, f, g, o = np.split(a, 4)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    if name == "lstm-printed-000":
        c = (1 - f) * c + i * g
        return [o * c, c]
    c = f * c + i * g
    read = {"lstm-printed-004": lambda: p["weight_co"] @ c}
    read["layer-norm-lstm"] = lambda: norm(c, p["norm_cell.weight"], p["norm_cell.bias"])
    return [o * np.tanh(read.get(name, lambda: c)()), c]


@every
def test_all_steps_equal_the_equations_in_numpy(name: str) -> None:
    cell = made(name)
    x = torch.randn(B, T, D, dtype=torch.float64)
    state = tuple(0.5 * torch.randn(B, size, dtype=torch.float64) for size in cell.sizes)
    with torch.no_grad():
        found = cell.states(x, state)
        p = {key: value.numpy() for key, value in cell.state_dict().items()}
        for row in range(B):
            now = [tensor[row].numpy() for tensor in state]
            for t in range(T):
                now = step_in_numpy(name, p, x[row, t].numpy(), now)
                for k, tensor in enumerate(now):
                    np.testing.assert_allclose(found[k][row, t].numpy(), tensor, atol=1e-12)


@every
def test_one_pass_equals_step_by_step_with_gradients(name: str) -> None:
    cell = made(name, learn_start=True)
    x = torch.randn(B, T, D, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(B, T, H, dtype=torch.float64)
    leaves = [x, *cell.parameters()]
    found, expected = (
        torch.autograd.grad((run(x) * weight).sum(), leaves) for run in (cell, lambda x: stepped(cell, x))
    )
    torch.testing.assert_close(cell(x), stepped(cell, x), rtol=0, atol=1e-12)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


@every
def test_state_after_the_last_true_step(name: str) -> None:
    """In value and gradient what each row alone would end with, whatever stands behind it."""
    cell, lengths = made(name), torch.tensor([2, 6, 1, 4, 6])
    x = torch.randn(B, T, D, dtype=torch.float64)
    weights = [torch.randn(B, size, dtype=torch.float64) for size in cell.sizes]
    padded = x.clone()
    for row, length in enumerate(lengths):
        padded[row, length:] = 7.0
    together, last = cell.unroll(padded, lengths)
    loss = sum((w * tensor).sum() for w, tensor in zip(weights, last, strict=True))
    alone = 0.0
    for row, length in enumerate(lengths):
        features, state = cell.unroll(x[row : row + 1, :length])
        torch.testing.assert_close(together[row, :length], features[0], rtol=0, atol=1e-12)
        for k, tensor in enumerate(state):
            torch.testing.assert_close(last[k][row], tensor[0], rtol=0, atol=1e-12)
        alone = alone + sum((w[row] * tensor[0]).sum() for w, tensor in zip(weights, state, strict=True))
    leaves = list(cell.parameters())
    # what only reads the hidden state gets none from the cell state
    for a, b in zip(*(torch.autograd.grad(value, leaves, allow_unused=True) for value in (loss, alone)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


@every
def test_reading_goes_on_from_a_given_state(name: str) -> None:
    cell = made(name)
    x = torch.randn(B, T, D, dtype=torch.float64)
    first = cell.unroll(x[:, :2])
    second = cell.unroll(x[:, 2:], state=first.last)
    torch.testing.assert_close(torch.cat([first.features, second.features], 1), cell(x), rtol=0, atol=1e-12)


def numbers(name: str) -> int:
    return sum(p.numel() for p in CELLS[name](D, H).parameters())


def test_number_of_parameters() -> None:
    elman, gates = H * (D + H), 4 * H * (D + H)
    assert numbers("elman") == elman + 2 * H
    assert numbers("lstm") == gates + 8 * H
    assert numbers("gru") == 3 * elman + 6 * H
    # as printed: one bias, and in 004 a fifth matrix
    assert numbers("lstm-printed-000") == gates + 4 * H
    assert numbers("lstm-printed-004") == gates + 4 * H + H * H
    assert numbers("second-order") == elman + H + H * H * D
    assert numbers("several-states") == elman + H + 2 * H * H
    assert numbers("deep-transition") == elman + H + H * H + H


def test_the_printed_forget_gate_is_the_standard_one_relabeled() -> None:
    """1 - sigmoid(a) = sigmoid(-a): with the signs of f turned only the missing tanh is left (E2)."""
    cell, standard = made("lstm-printed-000"), made("lstm")
    with torch.no_grad():
        for name, source in (("weight_ih", cell.weight_ih), ("weight_hh", cell.weight_hh), ("bias_ih", cell.bias)):
            turned = source.clone()
            turned[H : 2 * H] *= -1
            getattr(standard, name).copy_(turned)
        standard.bias_hh.zero_()
        x, state = torch.randn(B, D, dtype=torch.float64), torch.randn(2, B, H, dtype=torch.float64).unbind(0)
        (h, c), (h_standard, c_standard) = (one.update(one.drive(x), tuple(state)) for one in (cell, standard))
    torch.testing.assert_close(c, c_standard)
    torch.testing.assert_close(torch.where(c != 0, h / c, c) * c.tanh(), h_standard)


def test_spec_names_every_cell() -> None:
    assert set(CELLS) == set(CellName.__args__)
    for name in CELLS:
        assert isinstance(RecurrentSpec(cell=name, hidden=H).encoder(D), type(CELLS[name](D, H)))


def test_hidden_state_of_000_is_not_bounded() -> None:
    """An open input gate that forgets nothing adds up (E2); the standard cell's answer stays below 1."""
    big, x = 50.0, torch.ones(1, 30, D, dtype=torch.float64)
    for name, sign in (("lstm-printed-000", -1), ("lstm", 1)):
        cell = made(name)
        with torch.no_grad():
            for p in cell.parameters():
                p.zero_()
            bias = cell.bias if name != "lstm" else cell.bias_ih
            bias.fill_(big)
            bias[H : 2 * H] = sign * big
            h = cell(x)[0, -1]
        assert torch.allclose(h, torch.full_like(h, 30.0 if name != "lstm" else np.tanh(30.0)))


def test_no_module_of_torch_is_inside() -> None:
    """The kernels are called with the cell's own parameters, so that step and kernel cannot come apart."""
    for name in CELLS:
        assert not any(isinstance(m, nn.RNNBase | nn.RNNCellBase) for m in CELLS[name](D, H).modules())
