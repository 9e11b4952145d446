"""Small data sets and a quiet machine for the tests."""

import pytest
import torch

from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense
from neurarium.data.scaling import Scaling

torch.set_num_threads(1)


def make_toy(shape: tuple[int, ...], classes: int, counts: tuple[int, int, int], seed: int = 0) -> Dataset:
    """Noisy copies of one random pattern a class, as 8-bit values: learnable in a few steps, not at once."""
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randint(0, 256, (classes, *shape), generator=generator).float()
    parts = []
    for count in counts:
        targets = torch.arange(count) % classes
        noise = 60 * torch.randn(count, *shape, generator=generator)
        parts.append(((0.5 * patterns[targets] + 64 + noise).clamp(0, 255).to(torch.uint8), targets))
    kind = "images" if len(shape) == 3 else "vectors"
    scaling = Scaling.fit(parts[0][0], kind)
    train, development, test = (Dense(inputs, targets, scaling) for inputs, targets in parts)
    names = tuple(f"class {k}" for k in range(classes))
    return Dataset("toy", kind, train, development, test, shape, names, scaling, "made for a test", "none")


@pytest.fixture
def images() -> Dataset:
    """150/50/50 pictures of 1x28x28 in 5 classes."""
    return make_toy((1, 28, 28), 5, (150, 50, 50))


@pytest.fixture
def vectors() -> Dataset:
    """90/30/30 vectors of 12 features in 3 classes."""
    return make_toy((12,), 3, (90, 30, 30))
