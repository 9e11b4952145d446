"""MNIST: 70,000 handwritten digits, 28 x 28 gray levels, by census employees and students."""

from pathlib import Path

from neurarium.data.dataset import Dataset
from neurarium.data.idx_pair import Named, load_named

MNIST = Named(
    name="mnist",
    url="https://ossci-datasets.s3.amazonaws.com/mnist/",
    md5={
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    folders=("MNIST", "MNIST/raw"),
    system=Path("/usr/share/datasets/mnist"),
    classes=tuple("0123456789"),
    provenance="MNIST, Y. LeCun, C. Cortes, C. Burges, 1998",
    license="CC BY-SA 3.0, as commonly stated",
)


def load(folder: str | None = None) -> Dataset:
    """Return MNIST: 55,000 digits to learn from, 5,000 for validation, 10,000 for the test.

    Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", 1998.
    """
    return load_named(MNIST, folder)
