"""The scan in one pass over memory, compiled by numba: forward reads a and b and writes h, backward does all at once.

Kernels take C-contiguous arrays: a (1 or batch, 1 or time, features), the others (batch, time, features) or (batch,
features). Rows and features are independent, so threads fraction them and change no bit of the result. Threads are
Python's own, started for each large call: numba's would outlive a fork and hang there.
"""

import functools
import importlib.util
import inspect
import itertools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

WORTH_A_THREAD = 1 << 18  # numbers; below, starting a thread costs more than it saves
_LINE = 16  # features that threads do not divide: 64 bytes of the smallest type


@functools.cache
def available() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def forward(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
    """h of h_t = a_t h_(t-1) + b_t."""
    h = torch.empty_like(b, memory_format=torch.contiguous_format)
    _in_blocks(_compiled(_forward), [_array(x) for x in (a, b, h0, h)], reverse)
    return h


def backward(
    a: Tensor, h: Tensor, h0: Tensor, grad: Tensor, reverse: bool, of_a: bool
) -> tuple[Tensor | None, Tensor, Tensor]:
    """Gradients by a (None unless asked for), b and h0 from the gradient by h."""
    g, g0 = torch.empty_like(h), torch.zeros_like(h0)
    shape = (len(h), a.shape[1], a.shape[2]) if of_a else (len(h), 1, 0)
    grad_a = h.new_zeros(shape) if shape[1] == 1 else h.new_empty(shape)
    _in_blocks(_compiled(_backward), [_array(x) for x in (a, h, h0, grad, g, g0, grad_a)], reverse)
    if of_a and len(a) == 1:
        grad_a = grad_a.sum(0, keepdim=True)
    return grad_a if of_a else None, g, g0


def _array(x: Tensor) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = x.detach().contiguous().resolve_conj().resolve_neg().numpy()
    return found


def _in_blocks(kernel: Callable[..., None], arrays: list[npt.NDArray[Any]], reverse: bool) -> None:
    """Call a kernel on all rows and features (those of the second array), shared among as many threads as torch has."""
    batch, time, features = arrays[1].shape
    threads = min(torch.get_num_threads(), max(1, batch * time * features // WORTH_A_THREAD))
    if batch >= threads or features < 2 * _LINE:
        cuts = [batch * k // threads for k in range(threads + 1)]
        blocks = [(low, high, 0, features) for low, high in itertools.pairwise(cuts)]
    else:
        width = -(-features // (threads * _LINE)) * _LINE
        blocks = [(0, batch, low, min(low + width, features)) for low in range(0, features, width)]
    workers = [threading.Thread(target=kernel, args=(*arrays, reverse, *block)) for block in blocks[1:]]
    for worker in workers:
        worker.start()
    kernel(*arrays, reverse, *blocks[0])
    for worker in workers:
        worker.join()


@functools.cache
def _compiled(kernel: Callable[..., None]) -> Callable[..., None]:
    """The kernel as machine code, kept on disk where there is a place for it; types are compiled as they come."""
    import numba

    kernel = inspect.unwrap(kernel)  # the tests wrap every function
    options: dict[str, Any] = {"nogil": True, "fastmath": {"contract"}}
    try:
        found: Callable[..., None] = numba.njit(cache=True, **options)(kernel)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written to
        found = numba.njit(**options)(kernel)
    return found


# From here on what numba compiles. Slices first, and few of them in a loop: only then it becomes vector instructions.
def _forward(a, b, h0, h, reverse, row, end_row, low, high):  # type: ignore[no-untyped-def]
    time, rows_of_a, steps_of_a = b.shape[1], a.shape[0], a.shape[1]
    for i in range(row, end_row):
        before = h0[i, low:high]
        for s in range(time):
            t = time - 1 - s if reverse else s
            a_t = a[min(i, rows_of_a - 1), min(t, steps_of_a - 1), low:high]
            b_t, h_t = b[i, t, low:high], h[i, t, low:high]
            for k in range(len(h_t)):
                h_t[k] = a_t[k] * before[k] + b_t[k]
            before = h_t


def _backward(a, h, h0, grad, g, g0, grad_a, reverse, row, end_row, low, high):  # type: ignore[no-untyped-def]
    time, rows_of_a, steps_of_a = h.shape[1], a.shape[0], a.shape[1]
    of_a, constant = grad_a.shape[2] > 0, grad_a.shape[1] == 1
    for i in range(row, end_row):
        carried = g0[i, low:high]  # conj(a_(t+1)) g_(t+1); in the end the gradient by h0
        for s in range(time):
            t = s if reverse else time - 1 - s
            a_t = a[min(i, rows_of_a - 1), min(t, steps_of_a - 1), low:high]
            g_t, grad_t = g[i, t, low:high], grad[i, t, low:high]
            for k in range(len(g_t)):
                value = grad_t[k] + carried[k]
                g_t[k] = value
                carried[k] = np.conj(a_t[k]) * value
            if of_a:
                before = h0[i, low:high] if s == time - 1 else h[i, t + 1 if reverse else t - 1, low:high]
                grad_a_t = grad_a[i, 0 if constant else t, low:high]
                if constant:
                    for k in range(len(g_t)):
                        grad_a_t[k] += g_t[k] * np.conj(before[k])
                else:
                    for k in range(len(g_t)):
                        grad_a_t[k] = g_t[k] * np.conj(before[k])
