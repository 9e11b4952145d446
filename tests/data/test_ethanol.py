from importlib.resources import files

import numpy as np
import pytest
import torch

from neurarium.data import ethanol
from neurarium.data.scaling import unscaled


def stored() -> dict[str, np.ndarray]:
    with np.load(str(files("neurarium.data") / "embedded" / "ethanol.npz")) as found:
        return dict(found)


def test_values_come_back_in_their_units() -> None:
    data, raw = ethanol.load(), stored()
    batch = data.test.gather(torch.tensor([0, 99]))
    species, positions, pairs, atoms = batch.inputs
    energy, forces = batch.targets
    names = [data.schema.input.categories[k] for k in species]
    assert names == [{1: "H", 6: "C", 8: "O"}[int(z)] for z in raw["species"]] * 2
    assert atoms.tolist() == [9, 9]
    np.testing.assert_array_equal(positions, np.concatenate([raw["positions"][900], raw["positions"][999]]))
    back = unscaled(energy.double(), data.schema.targets["energy"])
    np.testing.assert_allclose(back, raw["energies"][[900, 999]], atol=1e-6)
    expected = np.concatenate([raw["forces"][900], raw["forces"][999]])
    np.testing.assert_allclose(unscaled(forces, data.schema.targets["forces"]), expected, rtol=1e-5, atol=1e-6)
    every = [(i, j) for j in range(9) for i in range(j)]
    assert sorted(map(tuple, pairs.T.tolist())) == sorted(every + [(i + 9, j + 9) for i, j in every])


def test_scaled_by_the_forces_of_training() -> None:
    data, raw = ethanol.load(), stored()
    scale = np.sqrt((raw["forces"][:700].astype(np.float64) ** 2).mean())
    energy, forces = data.schema.targets["energy"], data.schema.targets["forces"]
    assert energy.std == (pytest.approx(scale, rel=1e-12),)
    assert forces.std == energy.std * 3
    assert forces.mean == (0.0, 0.0, 0.0)
    assert energy.mean == (pytest.approx(raw["energies"][:700].mean(), rel=1e-12),)
    assert not data.schema.inputs["positions"].standardized
    assert abs(float(data.train.target("energy").double().mean())) < 1e-6
    assert float(data.train.target("forces").square().mean()) == pytest.approx(1, rel=1e-5)


def test_parts_lie_apart_in_time() -> None:
    data, raw = ethanol.load(), stored()
    frames = raw["positions"].reshape(1000, -1)
    where = {}
    for name, part in data.parts().items():
        positions = part.gather(torch.arange(len(part))).inputs[1].reshape(len(part), -1).numpy()
        where[name] = [int(np.flatnonzero((frames == row).all(1))[0]) for row in positions]
    train, validation, test = where.values()
    assert (len(train), len(validation), len(test)) == (700, 100, 100)
    assert min(validation) - max(train) > 50
    assert min(test) - max(validation) > 50


def test_forces_are_about_the_slope_of_the_energies_along_the_motion() -> None:
    """From frame to frame, half a vibration apart, the energy falls by about the mean force times the way."""
    raw = stored()
    step = np.diff(raw["positions"].astype(np.float64), axis=0)
    force = (raw["forces"][1:] + raw["forces"][:-1]) / 2
    expected, found = -(force * step).sum((1, 2)), np.diff(raw["energies"])
    assert np.corrcoef(expected, found)[0, 1] > 0.8
    assert np.polyfit(expected, found, 1)[0] == pytest.approx(1, abs=0.25)
