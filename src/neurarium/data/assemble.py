"""From what a source holds to a `Dataset`: check the targets, hold out what is missing, fit the scaling."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Int64
from torch import Tensor

from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense
from neurarium.data.labels import check_classes
from neurarium.data.numbers import check_finite, check_varied
from neurarium.data.scaling import Kind, Scaling
from neurarium.data.split import stratified
from neurarium.data.stream import Streamed

Part = Literal["train", "development", "test"]
Parts = Mapping[Part, Dense | Streamed]


def assemble(
    name: str,
    kind: Kind,
    parts: Parts,
    classes: tuple[str, ...],
    *,
    source: str,
    licence: str = "not stated",
    subject: str | None = None,
    development: int | None = None,
) -> Dataset:
    """Make a data set of the parts that a source has, with classes as targets.

    A part that is missing is held out from the training examples: a tenth of them each, stratified, by a
    fixed seed (`split.stratified`); so a source without any split is divided 80/10/10.

    Args:
        name: of the data set, as it was asked for.
        kind: "images" or "vectors".
        parts: "train", and "development" and "test" where the source has them; inputs without scaling,
            targets class numbers.
        classes: their names.
        source: a line on where the data comes from; how it was divided is added.
        licence: a line.
        subject: the file or folder that messages name; `name` where not given.
        development: how many examples to hold out for development, other than a tenth.

    Raises:
        DataError: no examples, fewer than two classes, or a class without training examples.
    """
    targets = parts["train"].targets
    check_classes(targets, classes, subject or name)
    whole, held_out = _divided(parts, targets, development)
    if held_out:
        source += f"; {held_out} held out from training examples, stratified, fixed seed"
    return _scaled(name, kind, whole, classes, source, licence)


def assemble_numbers(
    name: str,
    kind: Kind,
    parts: Mapping[Part, Dense],
    outputs: tuple[str, ...],
    *,
    source: str,
    licence: str = "not stated",
    subject: str | None = None,
    development: int | None = None,
) -> Dataset:
    """Make a data set of the parts that a source has, with numbers as targets, standardised.

        target = (y - mean) / std

    with mean and standard deviation of the training part for each output, so that prices learn as easily as lengths;
    `Dataset.target_scaling` leads back. Missing parts are held out as in `assemble`, by a plain draw.

    Args:
        name: of the data set, as it was asked for.
        kind: "images" or "vectors", of the inputs.
        parts: as in `assemble`; targets (examples, outputs) in the source's units.
        outputs: their names.
        source: a line on where the data comes from; how it was divided is added.
        licence: a line.
        subject: the file that messages name; `name` where not given.
        development: how many examples to hold out for development, other than a tenth.

    Raises:
        DataError: no examples, a target that is infinite or undefined, or an output that is the same number for all
            training examples.

    Example:
        >>> y = torch.tensor([[100.0], [300.0]])
        >>> data = assemble_numbers("toy", "vectors", {"train": Dense(y, y)}, ("price",), source="made up")
        >>> data.train.targets.T, data.target_scaling
        (tensor([[-1.,  1.]]), Scaling(mean=(200.0,), std=(100.0,)))
    """
    subject = subject or name
    for part, examples in parts.items():
        check_finite(examples.targets, outputs, subject if len(parts) == 1 else f"{subject}, {part}")
    check_varied(parts["train"].targets, outputs, subject)
    whole, held_out = _divided(parts, torch.zeros(len(parts["train"]), dtype=torch.int64), development)
    if held_out:
        source += f"; {held_out} held out from training examples, fixed seed"
    learnt = whole["train"].targets
    # Once more: the only examples that differ may have been held out.
    check_varied(learnt, outputs, subject)
    scaling = Scaling.fit(learnt, "vectors")
    standard: Parts = {part: replace(e, targets=scaling.apply(e.targets)) for part, e in whole.items()}
    return replace(_scaled(name, kind, standard, outputs, source, licence), target_scaling=scaling)


def _divided(
    parts: Parts, strata: Int64[Tensor, "examples"], development: int | None
) -> tuple[dict[Part, Dense | Streamed], str]:
    """Return all three parts, and which of them were held out from training, as words."""
    train = parts["train"]
    missing: list[Part] = [part for part in ("development", "test") if part not in parts]
    sizes = [round(len(train) / 10) for _ in missing]
    if missing and missing[0] == "development" and development is not None:
        sizes[0] = development
    kept, *held_out = stratified(strata, *sizes)
    taken = dict(zip(missing, (train.select(index) for index in held_out), strict=True))
    return {**parts, **taken, "train": train.select(kept)}, " and ".join(missing)


def _scaled(name: str, kind: Kind, parts: Parts, classes: tuple[str, ...], source: str, licence: str) -> Dataset:
    scaling = Scaling.fit_chunks(parts["train"].pieces(), kind)
    return Dataset(
        name=name,
        kind=kind,
        train=replace(parts["train"], scaling=scaling),
        development=replace(parts["development"], scaling=scaling),
        test=replace(parts["test"], scaling=scaling),
        shape=tuple(next(parts["train"].pieces(1)).shape[1:]),
        classes=classes,
        scaling=scaling,
        source=source,
        licence=licence,
    )
