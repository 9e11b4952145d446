"""Which images of a classifier are looked at closely, and what it said of them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurarium.data.dataset import Dataset
from neurarium.learning.saliency import map_layers
from neurarium.report.figures.filters import tells_images_apart
from neurarium.report.figures.images import chosen, ends_of, raw
from neurarium.report.format import confidence_text
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run

_WRONG, _ALL, _LOOKED_AT = 4, 6, 200


@dataclass(frozen=True, eq=False)
class Shown:
    """Images and answers.

    Attributes:
        x: as the net sees them, where it is.
        images: in the units of the source.
        ends: values of black and white.
        said: the net's answers, where it is.
        labels: the answers in words.
    """

    x: Float[Tensor, "shown channels height width"]
    images: Float[Tensor, "shown channels height width"]
    ends: tuple[float, float]
    said: Int[Tensor, " shown"]
    labels: list[str]


def makes_maps(run: Run, data: Dataset, scores: Scores | None) -> bool:
    """Whether a net gives each image one class and some layer makes maps of it."""
    if not tells_images_apart(run, data, scores):
        return False
    one = torch.zeros((1, *data.schema.input.fixed_shape), device=run.device_config.device)
    return bool(map_layers(run.net, one))


def shown(run: Run, data: Dataset, split: str, scores: Scores) -> Shown:
    """The most confident mistakes, then some that were right."""
    examples, field, arrays = getattr(data, split), data.schema.input, scores.arrays
    wrong = arrays["mistakes"].tolist()
    right = sorted(set(range(min(len(examples), _LOOKED_AT))).difference(wrong))
    index = [*wrong[:_WRONG], *right[: _ALL - len(wrong[:_WRONG])]]
    x = chosen(examples, index).x
    images = raw(x, field)
    labels = [
        f"said {run.classes[said]} ({confidence_text(float(confidence))})"
        + (f", is {run.classes[truth]}" if said != truth else "")
        for said, truth, confidence in zip(
            *(arrays[name][index] for name in ("predicted", "targets", "confidence")), strict=True
        )
    ]
    said = torch.as_tensor(arrays["predicted"][index], device=run.device_config.device)
    return Shown(x.to(run.device_config.device), images, ends_of(images, field), said, labels)
