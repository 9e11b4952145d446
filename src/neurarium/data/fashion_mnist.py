"""Fashion-MNIST: 70,000 images of clothes, in the files and sizes of MNIST, but harder."""

from pathlib import Path

from neurarium.data.dataset import Dataset
from neurarium.data.idx_pair import Named, load_named

_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
FASHION_MNIST = Named(
    name="fashion-mnist",
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    md5={
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    folders=("FashionMNIST", "FashionMNIST/raw"),
    system=Path("/usr/share/datasets/fashion-mnist"),
    classes=_CLOTHES,
    provenance="Fashion-MNIST, H. Xiao, K. Rasul, R. Vollgraf (Zalando), 2017",
    license="MIT",
)


def load(folder: str | None = None) -> Dataset:
    """Return Fashion-MNIST: 55,000 images to learn from, 5,000 for validation, 10,000 for the test.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", 2017.
    """
    return load_named(FASHION_MNIST, folder)
