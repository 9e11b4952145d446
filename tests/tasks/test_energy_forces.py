import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.data.dataset import Dataset
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.tasks.energy_forces import EnergyForces
from neurarium.tasks.model import Model
from neurarium.tasks.task import Context

from .small import MOLECULES, Case, PairEnergy, cases, seeded


@pytest.fixture
def case() -> Case:
    return cases()["energy-forces"]


def answers(case: Case) -> tuple[np.ndarray, np.ndarray]:
    outputs = case.task.forward(case.net, case.batch(), Context())
    assert isinstance(outputs, tuple)
    energy, forces = outputs
    return energy.detach().numpy(), forces.detach().numpy()


def test_forces_are_minus_the_slope_by_finite_differences(case: Case) -> None:
    batch = case.batch()
    _, forces = answers(case)
    positions = batch.inputs[1]
    step = 1e-5
    for atom in range(0, len(positions), 3):
        for axis in range(3):
            moved = []
            for sign in (1, -1):
                shifted = positions.clone()
                shifted[atom, axis] += sign * step
                moved.append(case.net(batch.inputs[0], shifted, *batch.inputs[2:]).sum().item())
            assert forces[atom, axis] == pytest.approx(-(moved[0] - moved[1]) / (2 * step), rel=1e-5, abs=1e-8)


def test_forces_of_a_molecule_do_not_depend_on_its_neighbors(case: Case) -> None:
    _, forces = answers(case)
    alone = [case.task.forward(case.net, case.batch(k), Context())[1].detach().numpy() for k in range(9)]
    np.testing.assert_allclose(forces, np.concatenate(alone), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("weight", [1.0, 5.0])
def test_loss_and_errors_by_numpy(case: Case, weight: float) -> None:
    task = EnergyForces(MOLECULES.targets["energy"], MOLECULES.targets["forces"], 1, weight)
    batch = case.batch()
    energy, forces = answers(case)
    true_energy, true_forces = (target.numpy() for target in batch.targets)
    expected = ((energy - true_energy) ** 2).mean() + weight * ((forces - true_forces) ** 2).mean()
    outputs, counts = task.forward(case.net, batch, Context()), task.counts(batch)
    assert counts.tolist() == [9, forces.size, len(forces)]
    assert task.loss(outputs, batch, counts).item() == pytest.approx(expected, rel=1e-9)
    assert task.errors(outputs, batch).item() == pytest.approx(((forces - true_forces) ** 2).mean(1).sum(), rel=1e-9)


def test_the_graph_is_kept_in_training_alone(case: Case) -> None:
    """In training forces have a gradient by the weights, which comes from the energy's second derivatives."""
    for training in (True, False):
        _, forces = case.task.forward(case.net, case.batch(), Context(training=training))
        assert forces.requires_grad == training
    assert case.task.uses_gradient


def test_gradients_of_the_force_term_by_finite_differences(case: Case) -> None:
    net, batch = seeded(PairEnergy().double(), 4), case.batch()
    counts = case.task.counts(batch)

    def loss() -> Tensor:
        return case.task.loss(case.task.forward(net, batch, Context(training=True)), batch, counts)

    for parameter in net.parameters():
        (gradient,) = torch.autograd.grad(loss(), parameter)
        for k in range(3):
            moved = []
            for sign in (1, -1):
                with torch.no_grad():
                    parameter[k, 0] += sign * 1e-5
                moved.append(loss().item())
                with torch.no_grad():
                    parameter[k, 0] -= sign * 1e-5
            assert gradient[k, 0].item() == pytest.approx((moved[0] - moved[1]) / 2e-5, rel=1e-5, abs=1e-8)


def test_scores_are_mean_absolute_errors_in_the_units_of_the_data(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurarium.tasks.model.EVALUATION_BATCH", 4)
    energy, forces = answers(case)
    true_energy, true_forces = (target.numpy() for target in case.batch().targets)
    found = case.task.score(case.single, case.data, "test")
    assert [metric.name for metric in found.metrics] == ["MAE of forces", "MAE of energies"]
    assert found.value("MAE of forces") == pytest.approx(3 * np.abs(forces - true_forces).mean(), rel=1e-4)
    assert found.value("MAE of energies") == pytest.approx(3 * np.abs(energy - true_energy).mean(), rel=1e-4)
    plain = {metric.name: metric.baseline for metric in found.metrics}
    assert plain["MAE of forces"] == pytest.approx(3 * np.abs(true_forces).mean(), rel=1e-5)
    assert plain["MAE of energies"] == pytest.approx(3 * np.abs(true_energy).mean(), rel=1e-5)
    expected = ((energy - true_energy) ** 2).mean() + ((forces - true_forces) ** 2).mean()
    assert found.loss == pytest.approx(expected, rel=1e-4)
    assert (found.examples, found.task) == (9, "energy-forces")


def test_drawn_molecules_of_the_tests_have_forces_that_are_their_slopes(molecules: Dataset) -> None:
    """Energy of the fixture's formula: a net that is that formula makes no error but that of float32."""

    class Formula(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.charge = nn.Parameter(torch.tensor([1.0, -0.8, 1.5]))

        def forward(self, species: Tensor, positions: Tensor, pairs: Tensor, atoms: Tensor) -> Tensor:
            one, other = pairs
            bond = self.charge[species[one]] * self.charge[species[other]]
            bond = bond * torch.exp(-(positions[one] - positions[other]).square().sum(1) / 2) / 2
            owner = torch.arange(len(atoms)).repeat_interleave(atoms)
            energy = torch.zeros(len(atoms)).index_add(0, owner[one], bond)
            (mean,), (std,) = field.mean, field.std
            return (energy - mean) / std

    field = molecules.schema.targets["energy"]
    task = EnergyForces.build(NetSpec(), Loss(), molecules.schema, {})
    found = task.score(Model(Formula(), torch.device("cpu")), molecules, "test")
    for metric in found.metrics:
        assert metric.baseline is not None
        assert metric.value < 1e-5 * metric.baseline
    prediction = task.predict(Model(Formula(), torch.device("cpu")), molecules.test.gather(torch.arange(10)))
    raw = molecules.test.target("energy").double().numpy() * field.std[0] + field.mean[0]
    np.testing.assert_allclose(prediction.values[:, 0], raw, rtol=1e-4, atol=1e-5)


def test_predictions_in_the_units_of_the_data(case: Case) -> None:
    energy, forces = answers(case)
    found = case.task.predict(case.model, case.batch())
    np.testing.assert_allclose(found.values[:, 0], 3 * energy + 7, rtol=1e-9)
    np.testing.assert_allclose(found.others["forces"], 3 * forces, rtol=1e-9)
    assert found.counts == ()
    assert (found.columns, found.labels, len(found)) == (("energy",), (), 9)


def test_what_the_net_must_answer_with(case: Case) -> None:
    batch = case.batch()
    outputs = case.task.forward(lambda *inputs: case.net(*inputs)[:, None], batch, Context())
    with pytest.raises(ShapeError, match=r"outputs of the net: expected \(9,\), an energy a molecule, got \(9, 1\)"):
        case.task.check(outputs, batch)


def test_an_loss_that_would_be_ignored_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"loss\.name: expected auto, its default, as the task energy-forces"):
        EnergyForces.build(NetSpec(), Loss("absolute-error"), MOLECULES, {})
