"""Giving back what was given, through a narrow code, beside the best linear map through as many numbers.

    L = 1/(N D) sum_n |x'_n - x_n|^2           N examples of D numbers each
    x' = m + V V^T (x - m),    V the first k eigenvectors of the training examples' covariance

The second line is principal component analysis: no linear map through k numbers has a smaller squared error on the
training examples.

Source: H. Hotelling, "Analysis of a complex of statistical variables into principal components", 1933.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from neurarium.checks import ShapeError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import unscaled
from neurarium.learning.loss import Loss
from neurarium.learning.psnr import psnr
from neurarium.nets.interfaces import Reconstructing
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.model import Model
from neurarium.tasks.sample_of import drawn_inputs
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Device, Helpers, Outputs, Trainable, count_tensor, refuse_choice, tensor_of

MOST_NUMBERS = 4096  # of an example, up to which principal components are worth their covariance
SEED = 0


@dataclass(frozen=True, eq=False)
class Reconstruction(Trainable):
    """Outputs against the inputs themselves."""

    input: Field

    name: ClassVar[str] = "reconstruction"

    @classmethod
    def build(
        cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu"
    ) -> "Reconstruction":
        """Make the task of the schema's only input."""
        refuse_choice(loss, cls.name)
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
        outputs, linear = unscaled(outputs, field).flatten(1), None if linear is None else linear.flatten(1)
        metrics = reconstruction_metrics(outputs, whole, high - low, code, linear, damaged)
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
    """Mean and first eigenvectors of the covariance, those of the largest eigenvalues first."""
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
    """Compare reconstructions from `code` numbers with originals, all in the units of the source.

    `linear` is what principal components make of the originals; `damaged` the damaged originals and what the net makes
    of them; `peak` the largest less the smallest value.
    """
    metrics = []
    if damaged is not None:
        before, after = (psnr(part, originals, peak) for part in damaged)
        name, meaning = "PSNR of denoised examples", "how near to the originals it brings damaged examples"
        metrics.append(Metric(name, after, meaning, "dB", True, before, "the damaged examples themselves"))
    meaning = "peak signal to noise ratio of reconstructions" + (f" from {code} numbers" if code else "")
    plain = None if linear is None else psnr(linear, originals, peak)
    against = "" if linear is None else f"the first {code} principal components of the training examples"
    metrics.append(Metric("PSNR", psnr(outputs, originals, peak), meaning, "dB", True, plain, against))
    spread = (originals.double() - originals.double().mean(0)).square().sum()
    left = (outputs.double() - originals.double()).square().sum()
    explained = float(1 - left / spread)
    return (
        *metrics,
        Metric("variance explained", explained, "fraction of the examples' variance that comes back", "%"),
    )
