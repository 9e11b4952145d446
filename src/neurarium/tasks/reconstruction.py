"""Giving back what was given, through a narrow code, beside the best linear map through as many numbers.

    L = 1/(N D) sum_n |x'_n - x_n|^2           N examples of D numbers each
    x' = m + V V^T (x - m),    V the first k eigenvectors of the training examples' covariance

The second line is principal component analysis with k numbers: no linear map through k numbers has a smaller squared
error on the training examples.

Source: H. Hotelling, "Analysis of a complex of statistical variables into principal components", 1933.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import unscaled
from neurarium.learning.objective import Objective
from neurarium.learning.psnr import psnr
from neurarium.nets.interfaces import Reconstructing
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.model import Model
from neurarium.tasks.sample_of import drawn_inputs
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Outputs, Trainable, count_tensor, refuse_choice, tensor_of

MOST_NUMBERS = 4096  # of an example, up to which principal components are worth their covariance
SEED = 0


@dataclass(frozen=True, eq=False)
class Reconstruction(Trainable):
    """Outputs against the inputs themselves.

    Args:
        input: the field that is given back.
    """

    input: Field

    name: ClassVar[str] = "reconstruction"

    @classmethod
    def build(
        cls,
        spec: NetSpec,
        objective: Objective,
        schema: Schema,
        helpers: Mapping[str, nn.Module],
        device: torch.device | str = "cpu",
    ) -> "Reconstruction":
        """Make the task of the schema's only input."""
        refuse_choice(objective, cls.name)
        return cls(schema.dense("reconstruction"))

    def counts(self, batch: Batch) -> Float[Tensor, "2"]:
        """Numbers in the examples, and examples."""
        return count_tensor(batch.x, float(batch.x.numel()), float(batch.size))

    def terms(self, outputs: Outputs, batch: Batch, counts: Float[Tensor, "2"]) -> tuple[Tensor, ...]:
        """The squared difference to the inputs."""
        return ((self._fitting(outputs, batch) - batch.x).square().sum() / counts[0],)

    def errors(self, outputs: Outputs, batch: Batch) -> Float[Tensor, ""]:
        """Sum over the examples of their mean squared difference."""
        return batch.size * (self._fitting(outputs, batch) - batch.x).square().mean()

    def check(self, outputs: Outputs, batch: Batch) -> None:
        """Refuse other than reconstructions."""
        self._fitting(outputs, batch)

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Peak signal-to-noise ratio, beside principal components and the damaged examples."""
        examples, field = getattr(data, split), self.input
        outputs, loss = model.outputs(self, examples)
        originals = drawn_inputs(examples)
        code = linear = damaged = None  # of a net that does not say its code nothing more is known
        if isinstance(model.net, Reconstructing):
            code = model.net.code_size
            if originals[0].numel() <= MOST_NUMBERS:
                mean, axes = principal_components(drawn_inputs(data.train, limit=True).flatten(1), code)
                linear = unscaled(through_components(originals.flatten(1), mean, axes).view_as(originals), field)
            if model.net.corruption is not None:
                seen = model.net.damaged(originals.to(model.device), SEED).cpu()
                restored = [self._restored(model, part) for part in seen.split(1000)]
                damaged = (unscaled(seen, field).flatten(1), unscaled(torch.cat(restored), field).flatten(1))
        whole = unscaled(originals, field).flatten(1)
        ends = field.value_range if field.is_image else None
        low, high = ends or (float(whole.min()), float(whole.max()))
        metrics = reconstruction_metrics(
            unscaled(outputs, field).flatten(1),
            whole,
            high - low,
            code,
            None if linear is None else linear.flatten(1),
            damaged,
        )
        return Scores(self.name, split, data.name, len(examples), loss, metrics)

    def _restored(self, model: Model, seen: Tensor) -> Tensor:
        return tensor_of(model.run(self, Batch((seen,), (), len(seen))), self.name).cpu()

    def _fitting(self, outputs: Outputs, batch: Batch) -> Tensor:
        found = tensor_of(outputs, self.name)
        if found.shape != batch.x.shape:
            expected = f"reconstructions of the inputs {tuple(batch.x.shape)}"
            remedy = "choose an auto-encoder, or another task"
            raise ShapeError("outputs of the net", expected=expected, got=str(tuple(found.shape)), remedy=remedy)
        return found


def principal_components(
    x: Float[Tensor, "examples numbers"], count: int
) -> tuple[Float64[Tensor, "numbers"], Float64[Tensor, "numbers components"]]:
    """Mean and first eigenvectors of the covariance, those of the largest eigenvalues first.

    Example:
        >>> mean, axes = principal_components(torch.tensor([[0.0, 1.0], [2.0, 1.0]]), 1)
        >>> mean.tolist(), axes.abs().flatten().tolist()
        ([1.0, 1.0], [1.0, 0.0])
    """
    x = x.double()
    mean = x.mean(0)
    centered = x - mean
    _, vectors = torch.linalg.eigh(centered.T @ centered)
    return mean, vectors.flip(1)[:, :count]


def through_components(
    x: Float[Tensor, "examples numbers"],
    mean: Float64[Tensor, "numbers"],
    axes: Float64[Tensor, "numbers components"],
) -> Float64[Tensor, "examples numbers"]:
    """Reconstructions from as many numbers as there are axes."""
    return mean + (x.double() - mean) @ axes @ axes.T


def reconstruction_metrics(
    outputs: Float[Tensor, "examples numbers"],
    originals: Float[Tensor, "examples numbers"],
    peak: float,
    code: int | None,
    linear: Float[Tensor, "examples numbers"] | None = None,
    damaged: tuple[Float[Tensor, "examples numbers"], Float[Tensor, "examples numbers"]] | None = None,
) -> tuple[Metric, ...]:
    """Compare reconstructions with originals, all in the units of the source.

    Args:
        outputs: of the net.
        originals: what it was given.
        peak: largest less smallest value.
        code: numbers of the code; none where it is not known.
        linear: what principal components make of the originals.
        damaged: damaged originals, and what the net makes of them.
    """
    metrics = []
    if damaged is not None:
        metrics.append(
            Metric(
                "PSNR of denoised examples",
                psnr(damaged[1], originals, peak),
                "how near to the originals it brings damaged examples",
                "dB",
                baseline=psnr(damaged[0], originals, peak),
                against="the damaged examples themselves",
            )
        )
    metrics.append(
        Metric(
            "PSNR",
            psnr(outputs, originals, peak),
            "peak signal to noise ratio of reconstructions" + (f" from {code} numbers" if code else ""),
            "dB",
            baseline=None if linear is None else psnr(linear, originals, peak),
            against="" if linear is None else f"the first {code} principal components of the training examples",
        )
    )
    spread = (originals.double() - originals.double().mean(0)).square().sum()
    left = (outputs.double() - originals.double()).square().sum()
    metrics.append(
        Metric("variance explained", float(1 - left / spread), "share of the examples' variance that comes back", "%")
    )
    return tuple(metrics)
