"""The energy of a molecule and the force on each of its atoms, the negative gradient of that energy.

    F_a = -dE/dx_a,    L = 1/M sum_m (E_m - E_m*)^2 + w / 3A sum_a |F_a - F_a*|^2

M molecules, A atoms, both standardized: the energy by mean and spread, forces by that same spread, so that they stay
the gradient of the energy. A net is called with the schema's inputs and the number of atoms of each molecule, and
answers with an energy a molecule (batch,). Forces computed so are conservative by construction.

Source: S. Chmiela et al., "Machine learning of accurate energy-conserving molecular force fields", 2017.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import unscaled
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.model import Model
from neurarium.tasks.prediction import Prediction
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Context, Device, Helpers, Net, Outputs, Trainable, check_shape, refuse_choice


@dataclass(frozen=True, eq=False)
class EnergyForces(Trainable):
    """Energies and forces together; `positions_at` says which input holds the positions, `weight` is w."""

    energy: Field
    forces: Field
    positions_at: int
    weight: float = 1.0

    name: ClassVar[str] = "energy-forces"

    @classmethod
    def build(
        cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu"
    ) -> "EnergyForces":
        """Make the task; a `DataError` for data without positions, energies and forces under one scale."""
        refuse_choice(loss, cls.name)
        fields = schema.fields
        if not ({"positions"} <= schema.inputs.keys() and {"energy", "forces"} <= schema.targets.keys()):
            expected, got = "an input named positions, targets named energy and forces", ", ".join(fields)
            raise DataError("data", expected=expected, got=got, remedy="choose data of molecules, such as ethanol")
        energy, forces = fields["energy"], fields["forces"]
        if set(forces.std) - set(energy.std) or any(forces.mean):
            expected = f"the energies' scale {energy.std} and no mean, as they are its gradient"
            raise DataError("forces", expected=expected, got=f"mean {forces.mean}, scale {forces.std}")
        return cls(energy, forces, list(schema.inputs).index("positions"))

    @property
    def uses_gradient(self) -> bool:
        """Forces are one."""
        return True

    def forward(self, net: Net, batch: Batch, context: Context) -> Outputs:
        """Energies, and forces as minus their gradient by the positions."""
        with torch.enable_grad():
            positions = batch.inputs[self.positions_at].detach().requires_grad_()
            inputs = list(batch.inputs)
            inputs[self.positions_at] = positions
            energy = net(*inputs)
            (slope,) = torch.autograd.grad(energy.sum(), positions, create_graph=context.training)
        return energy, -slope

    def counts(self, batch: Batch) -> Float[Tensor, "3"]:
        """Molecules, numbers in the forces, atoms."""
        forces = batch.targets[1]
        return torch.tensor([batch.size, forces.numel(), len(forces)], dtype=torch.float32, device=forces.device)

    def terms(self, outputs: Outputs, batch: Batch, counts: Float[Tensor, "3"]) -> tuple[Tensor, ...]:
        """The squared errors of energies and of forces."""
        energy, forces = outputs
        of_energy = (energy - batch.targets[0]).square().sum() / counts[0]
        return of_energy, self.weight * (forces - batch.targets[1]).square().sum() / counts[1]

    def errors(self, outputs: Outputs, batch: Batch) -> Float[Tensor, ""]:
        """Sum over the atoms of the mean squared error of their force, in units of the scale."""
        return (outputs[1] - batch.targets[1]).square().mean(1).sum()

    def check(self, outputs: Outputs, batch: Batch) -> None:
        """Refuse other than an energy a molecule."""
        check_shape(outputs[0], (batch.size,), "an energy a molecule")

    def predict(self, model: Model, batch: Batch, **options: Any) -> Prediction:
        """Energies and forces in the units of the data."""
        energy, forces = (part.cpu() for part in model.run(self, batch))
        values = unscaled(energy.double()[:, None], self.energy).numpy()
        others = {"forces": unscaled(forces, self.forces).numpy()}
        return Prediction(("energy",), values, others=others)

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Mean absolute errors in the units of the data, beside those of always answering the mean."""
        examples = getattr(data, split)
        sums = torch.zeros(8, dtype=torch.float64)
        for batch, outputs in model.answers(self, examples):
            counts = self.counts(batch)
            first, second = self.terms(outputs, batch, counts)
            gap = [(said - true).abs().double().sum() for said, true in zip(outputs, batch.targets, strict=True)]
            plain = [true.abs().double().sum() for true in batch.targets]
            sums += (
                torch.stack([*gap, *plain, first * counts[0], second * counts[1], counts[0], counts[1]]).cpu().double()
            )
        scale = self.energy.std[0] if self.energy.std else 1.0
        energy, forces, plain_energy, plain_forces, first, second, molecules, numbers = sums.tolist()
        error, plain = scale * forces / numbers, scale * plain_forces / numbers
        meaning = "mean absolute error of a component of a force, in the units of the data"
        of_forces = Metric("MAE of forces", error, meaning, "", False, plain, "no force at all")
        error, plain = scale * energy / molecules, scale * plain_energy / molecules
        meaning = "mean absolute error of the energy of a molecule, in the units of the data"
        against = "always the mean of the training energies"
        of_energies = Metric("MAE of energies", error, meaning, "", False, plain, against)
        loss = first / molecules + second / numbers
        return Scores(self.name, split, data.name, len(examples), loss, (of_forces, of_energies))
