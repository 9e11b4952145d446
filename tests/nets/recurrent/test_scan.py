"""The scan: a plain loop in NumPy, laws of linear recurrences, finite differences, its forms against each other."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent import scan_numba
from neurarium.nets.recurrent.scan import FORMS, scan
from neurarium.nets.recurrent.scan_forms import by_halves

HERE = [name for name in FORMS if name != "compiled" or scan_numba.available()]
forms = pytest.mark.parametrize("form", HERE)


def loop(a: Tensor, b: Tensor, h0: Tensor | None, dim: int, reverse: bool) -> np.ndarray:
    """The recurrence as it is written, in NumPy with 64-bit parts."""
    wide = np.complex128 if a.is_complex() or b.is_complex() else np.float64
    full_a, full_b = np.broadcast_arrays(a.detach().numpy().astype(wide), b.detach().numpy().astype(wide))
    full_a, full_b = np.moveaxis(full_a, dim, 0), np.moveaxis(full_b, dim, 0)
    h, state = np.empty_like(full_b), 0 if h0 is None else h0.detach().numpy()
    for t in range(len(h))[:: -1 if reverse else 1]:
        state = h[t] = full_a[t] * state + full_b[t]
    return np.moveaxis(h, 0, dim)


def drawn(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


DECAYS = {
    "near 0": lambda u: 1e-6 * u,
    "0": torch.zeros_like,
    "1": torch.ones_like,
    "near 1": lambda u: 1 - 1e-4 * u,
    "of all sizes": lambda u: torch.where(u < 0.2, 0.0, torch.where(u > 0.8, 1.0, 1 - u.log2().abs() / 16)),
}


@forms
@pytest.mark.parametrize("turning", [False, True])
@pytest.mark.parametrize("decay", DECAYS)
def test_long_sequences_in_float32_equal_the_loop(form: str, decay: str, turning: bool) -> None:
    time = 16_384
    generator = torch.Generator().manual_seed(1)
    a = DECAYS[decay](torch.rand(1, time, 3, generator=generator))
    b = torch.randn(1, time, 3, generator=generator)
    if turning:
        a = torch.polar(a, 6.3 * torch.rand(1, time, 3, generator=generator))
        b = torch.complex(b, torch.randn(1, time, 3, generator=generator))
    found, expected = scan(a, b, form=form).numpy(), loop(a, b, None, 1, False)
    assert found.dtype == (np.complex64 if turning else np.float32)
    scale = np.maximum(1, np.maximum.accumulate(abs(expected), 1))  # rounding is to what has been, as sums wander
    assert (abs(found - expected) / scale).max() < 1e-5


SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 4))


@settings(max_examples=25, deadline=None)
@given(
    shape=SHAPES,
    same=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    dim=st.sampled_from([0, 1, 2, -1]),
    reverse=st.booleans(),
    started=st.booleans(),
    dtype=st.sampled_from([torch.float64, torch.complex128]),
    seed=st.integers(0, 1000),
)
def test_any_shape_axis_and_direction_equals_the_loop(
    shape: tuple[int, ...],
    same: tuple[bool, ...],
    dim: int,
    reverse: bool,
    started: bool,
    dtype: torch.dtype,
    seed: int,
) -> None:
    a = drawn(tuple(1 if one else size for size, one in zip(shape, same, strict=True)), dtype, seed)
    b = drawn(shape, dtype, seed + 1)
    h0 = drawn(tuple(np.delete(shape, dim)), dtype, seed + 2) if started else None
    expected = loop(a, b, h0, dim, reverse)
    for form in HERE:
        found = scan(a, b, h0, dim=dim, reverse=reverse, form=form)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10, atol=1e-10)
    flipped = scan(a.flip(dim), b.flip(dim), h0, dim=dim, reverse=not reverse).flip(dim)
    np.testing.assert_allclose(flipped.numpy(), expected, rtol=1e-10, atol=1e-10)


@forms
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("a_shape", [(2, 4, 2), (1, 4, 2), (2, 1, 2), (2,), (2, 4, 1), ()])
def test_gradients_are_those_of_finite_differences(
    form: str, dtype: torch.dtype, reverse: bool, a_shape: tuple[int, ...]
) -> None:
    a, b, h0 = drawn(a_shape, dtype, 0), drawn((2, 4, 2), dtype, 1), drawn((2, 2), dtype, 2)
    leaves = [x.requires_grad_() for x in (a, b, h0)]
    assert torch.autograd.gradcheck(lambda *x: scan(*x, reverse=reverse, form=form), leaves)


@forms
@pytest.mark.parametrize("needed", [(True, False, False), (False, True, False), (False, False, True)])
def test_only_what_is_asked_for_gets_a_gradient(form: str, needed: tuple[bool, ...]) -> None:
    leaves = [drawn(shape, torch.float64, k) for k, shape in enumerate([(2, 4, 2), (2, 4, 2), (2, 2)])]
    for x, wanted in zip(leaves, needed, strict=True):
        x.requires_grad_(wanted)
    assert torch.autograd.gradcheck(lambda *x: scan(*x, form=form), leaves)


@forms
def test_linear_in_what_is_added_and_in_the_start(form: str) -> None:
    a = drawn((2, 7, 3), torch.float64, 0)
    (b, c), (h, k) = (drawn((2, 2, 7, 3), torch.float64, 1), drawn((2, 2, 3), torch.float64, 2))
    together = scan(a, 2 * b - 3 * c, 2 * h - 3 * k, form=form)
    torch.testing.assert_close(together, 2 * scan(a, b, h, form=form) - 3 * scan(a, c, k, form=form))


@forms
@pytest.mark.parametrize("cut", [1, 4, 8])
def test_two_intervals_one_after_the_other_are_one(form: str, cut: int) -> None:
    a, b, h0 = (drawn(shape, torch.complex128, k) for k, shape in enumerate([(2, 9, 3), (2, 9, 3), (2, 3)]))
    early = scan(a[:, :cut], b[:, :cut], h0, form=form)
    late = scan(a[:, cut:], b[:, cut:], early[:, -1], form=form)
    torch.testing.assert_close(torch.cat([early, late], 1), scan(a, b, h0, form=form))


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
@pytest.mark.parametrize("a_shape", [(3, 200, 5), (5,)])
def test_forms_agree_on_states_and_gradients_to_rounding(dtype: torch.dtype, a_shape: tuple[int, ...]) -> None:
    answers = []
    for form in HERE:
        a, b, h0 = drawn(a_shape, dtype, 0), drawn((3, 200, 5), dtype, 1), drawn((3, 5), dtype, 2)
        leaves = [x.requires_grad_() for x in (0.9 * a / a.abs().clamp(min=1), b, h0)]
        h = scan(*leaves, form=form)
        h.backward(drawn((3, 200, 5), dtype, 3))
        answers.append([h.detach(), *(x.grad for x in leaves)])
    for other in answers[1:]:
        for found, expected in zip(other, answers[0], strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    if not scan_numba.available():
        pytest.skip("numba is not installed")
    a, b = torch.rand(1, 30, 70), torch.randn(3, 30, 70)
    grad, answers = torch.randn(3, 30, 70), []
    monkeypatch.setattr(scan_numba, "WORTH_A_THREAD", 1)
    for threads in (1, 2, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda count=threads: count)
        for rows in (1, 3):
            h = scan_numba.forward(a, b[:rows], torch.zeros(rows, 70), False)
            found = scan_numba.backward(a, h, torch.zeros(rows, 70), grad[:rows], False, True)
            answers.append((threads, rows, h, *found))
    for rows in (1, 3):
        alone, *others = [tensors for _, count, *tensors in answers if count == rows]
        assert len(others) == 2
        assert all(torch.equal(x, y) for other in others for x, y in zip(other, alone, strict=True))


def test_without_numba_the_loop_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = torch.rand(2, 6, 3), torch.randn(2, 6, 3)
    monkeypatch.setattr(scan_numba, "available", lambda: False)
    monkeypatch.setattr(scan_numba, "_compiled", None)
    assert torch.equal(scan(a, b), scan(a, b, form="steps"))


def test_where_no_folder_takes_the_machine_code_it_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    numba = pytest.importorskip("numba")

    def njit(cache: bool = False, **options: object):  # type: ignore[no-untyped-def]
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda kernel: kernel

    monkeypatch.setattr(numba, "njit", njit)
    assert scan_numba._compiled.__wrapped__(len) is len


def test_half_precision_is_computed_in_float32() -> None:
    a, b = torch.rand(1, 50, 2).bfloat16(), torch.randn(1, 50, 2).bfloat16()
    h = scan(a, b)
    assert h.dtype == torch.float32
    torch.testing.assert_close(h, scan(a.float(), b.float()), rtol=0, atol=0)


def test_real_factors_and_complex_additions_meet() -> None:
    a, b = drawn((1, 6, 2), torch.float64, 0).requires_grad_(), drawn((2, 6, 2), torch.complex128, 1)
    h = scan(a, b)
    np.testing.assert_allclose(h.detach().numpy(), loop(a, b, None, 1, False))
    h.abs().sum().backward()
    assert a.grad is not None
    assert a.grad.dtype == torch.float64


def test_traced_it_is_torch_alone() -> None:
    class Net(torch.nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return scan(a, b)

    a, b = torch.rand(2, 11, 3), torch.randn(2, 11, 3)
    program = torch.export.export(Net(), (a, b)).module()
    torch.testing.assert_close(program(a, b), scan(a, b))


def test_the_form_for_many_processors_needs_few_passes() -> None:
    """Logarithmic depth: so many more operations for each doubling, and no more for the steps in between."""

    def operations(time: int) -> int:
        with torch.profiler.profile() as profile:
            by_halves(torch.rand(1, time, 1), torch.randn(1, time, 1), torch.zeros(1, 1), False)
        return len(profile.events())

    counts = [operations(2**k) for k in (4, 6, 8)]
    assert counts[2] - counts[1] == counts[1] - counts[0] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((torch.rand(2, 4, 2), torch.rand(2, 4, 3)), "broadcast"),
        ((torch.rand(3), torch.rand(2, 0, 3)), "at least one step"),
        ((torch.rand(3), torch.rand(3)), "dimension 1"),
        ((torch.rand(3), torch.rand(2, 4, 3), torch.rand(2, 4)), "state of shape"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: tuple[Tensor, ...], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        scan(*arguments)


def test_unknown_forms_are_refused() -> None:
    with pytest.raises(ConfigError, match="halves"):
        scan(torch.rand(3), torch.rand(2, 4, 3), form="halfes")
