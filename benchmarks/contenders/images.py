"""The images that every contender learns from, as plain NumPy files: none pays for another's library to read them.

Run as a script it reads Fashion-MNIST through `neurarium.data` and writes the files.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

CLASSES = 10
SIDE = 28


@dataclass(frozen=True)
class Images:
    """Gray images as 8-bit numbers (examples, 28, 28), their class numbers, and the training images' gray levels.

    `mean` and `std` are those of the training images, so that all contenders see the same standardised numbers.
    """

    train: npt.NDArray[np.uint8]
    train_targets: npt.NDArray[np.int64]
    test: npt.NDArray[np.uint8]
    test_targets: npt.NDArray[np.int64]
    mean: float
    std: float

    def scaled_train(self) -> npt.NDArray[np.float32]:
        """Standardise the training images, in float32."""
        return self._scaled(self.train)

    def scaled_test(self) -> npt.NDArray[np.float32]:
        """Standardise the test images, in float32."""
        return self._scaled(self.test)

    def _scaled(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        scaled = pixels.astype(np.float32)
        scaled -= np.float32(self.mean)
        scaled /= np.float32(self.std)
        return scaled


def load_pictures(folder: Path) -> Images:
    """Read what `write_pictures` wrote."""
    parts = (np.load(folder / f"{name}.npy") for name in ("train", "train_targets", "test", "test_targets"))
    return Images(*parts, *np.load(folder / "gray_levels.npy").tolist())


def write_pictures(source: str, folder: Path, examples: int | None) -> None:
    """Read the idx files in `source` and write all training images, or the first `examples`, and the test's.

    Raises:
        DataError: the files are not there or damaged.
    """
    import torch

    from neurarium.data.fashion_mnist import load
    from neurarium.data.table import Table

    dataset = load(source)
    # the library holds 5,000 training images out for validation; here all 60,000 are learned from
    for name, sources in (("train", (dataset.train, dataset.validation)), ("test", (dataset.test,))):
        parts = [part for part in sources if isinstance(part, Table)]
        # learning shuffles them, so their order does not matter; the first few must hold all classes
        order = torch.randperm(sum(map(len, parts)), generator=torch.Generator().manual_seed(0))[:examples]
        np.save(folder / f"{name}.npy", torch.cat([part.inputs[0] for part in parts])[order, 0].numpy())
        np.save(folder / f"{name}_targets.npy", torch.cat([part.targets[0] for part in parts])[order].numpy())
    train = np.load(folder / "train.npy")
    np.save(folder / "gray_levels.npy", np.array([train.mean(), train.std()]))


def main() -> int:
    """Write the files; a line on standard error and exit code 2 where the data is not there."""
    from neurarium.checks import UserError

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="folder of the four idx files of Fashion-MNIST")
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--examples", type=int, help="only so many training and test images")
    given = parser.parse_args()
    try:
        write_pictures(given.source, given.folder, given.examples)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
