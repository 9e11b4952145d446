"""A molecule of ethanol in motion at 500 K: what are its energy and the force on each of its nine atoms?

Source of the method: C. Bannwarth, S. Ehlert, S. Grimme, "GFN2-xTB: an accurate and broadly parametrized
self-consistent tight-binding quantum chemical method", 2019.
"""

from importlib.resources import as_file, files

import numpy as np
import torch
from torch import Tensor

from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.packed import Packed
from neurarium.record.schema import Field, Schema

_ELEMENTS = {1: "H", 6: "C", 8: "O"}
# Frames are 5 fs apart and resemble each other for about 50: so many are left out between the parts.
_TRAIN, _development, _TEST = range(700), range(750, 850), range(900, 1000)


def load(folder: str | None = None) -> Dataset:
    """Return 700 configurations to learn from and, later in the same motion, 100 for validation and 100 for the test.

    Positions are in angstrom, energies in eV, forces in eV / angstrom. Energies are standardized by their mean and the
    root mean square of the training forces' components, forces by the latter, so that they stay the energy's gradient.
    """
    with as_file(files("neurarium.data") / "embedded" / "ethanol.npz") as path, np.load(path) as stored:
        numbers, positions, energies, forces = (
            torch.from_numpy(stored[name]) for name in ("species", "positions", "energies", "forces")
        )
    learned = torch.tensor(_TRAIN)
    scale, center = float(forces[learned].double().square().mean().sqrt()), float(energies[learned].mean())
    axes = ("x", "y", "z")
    inputs = {
        "species": Field((None,), categories=tuple(_ELEMENTS.values()), axis="atoms"),
        "positions": Field((None, 3), names=axes, axis="atoms"),
        "pairs": Field((2, None), axis="pairs", points_to="atoms"),
    }
    pull = Field((None, 3), names=axes, mean=(0.0,) * 3, std=(scale,) * 3, axis="atoms")
    schema = Schema(inputs, {"energy": Field((), mean=(center,), std=(scale,)), "forces": pull})
    frames = Packed(*_columns(numbers, positions, (energies - center) / scale, forces / scale), schema)
    train, validation, test = (frames.select(torch.tensor(part)) for part in (_TRAIN, _development, _TEST))
    provenance = (
        "ethanol at 500 K by Langevin dynamics, energies and forces by GFN2-xTB (C. Bannwarth, S. Ehlert, S. Grimme, "
        "2019), computed with ASE and tblite; parts in order of time, 50 frames apart"
    )
    cut: Parts = {"train": train, "validation": validation, "test": test}
    return assemble("ethanol", cut, provenance=provenance, license="Apache 2.0", standardize=False)


def _columns(
    numbers: Tensor, positions: Tensor, energies: Tensor, forces: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Rows of all frames one after the other, every pair of atoms once; and how many of each a frame has."""
    frames, atoms = positions.shape[:2]
    elements = list(_ELEMENTS)
    species = torch.tensor([elements.index(number) for number in numbers.tolist()])
    pairs = torch.combinations(torch.arange(atoms))
    columns = {
        "species": species.repeat(frames),
        "positions": positions.flatten(0, 1),
        "pairs": pairs.repeat(frames, 1),
        "energy": energies.float(),
        "forces": forces.flatten(0, 1).float(),
    }
    return columns, {"atoms": torch.full((frames,), atoms), "pairs": torch.full((frames,), len(pairs))}
