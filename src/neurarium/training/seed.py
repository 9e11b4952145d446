"""Seeds and the state of the random generators, so that a run can be repeated and continued bit for bit."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor


def seed_everything(seed: int) -> None:
    """Seed torch on every device and ask for deterministic kernels.

    Nothing in this library draws from Python's or NumPy's global generators.
    """
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def generator_states() -> dict[str, Tensor]:
    """Return the states of torch's generators as byte tensors."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states |= {f"cuda:{i}": torch.cuda.get_rng_state(i) for i in range(torch.cuda.device_count())}
    return states


def restore_generators(states: dict[str, Tensor]) -> None:
    """Set torch's generators to saved states; those of devices that are not here are left out."""
    for name, state in states.items():
        if name == "cpu":
            torch.set_rng_state(state.cpu())
        elif torch.cuda.is_available() and int(name.split(":")[1]) < torch.cuda.device_count():
            torch.cuda.set_rng_state(state.cpu(), name)


@contextlib.contextmanager
def own_generators() -> Iterator[None]:
    """Keep the caller's random state and choice of kernels as they were, whatever happens inside."""
    states = generator_states()
    benchmark, deterministic = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    try:
        yield
    finally:
        restore_generators(states)
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = benchmark, deterministic
