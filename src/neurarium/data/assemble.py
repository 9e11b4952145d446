"""From what a source holds to a `Dataset`: check the classes, hold out what is missing, fit the scaling."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense
from neurarium.data.labels import check_classes
from neurarium.data.scaling import Kind, Scaling
from neurarium.data.split import stratified
from neurarium.data.stream import Streamed

Part = Literal["train", "development", "test"]


def assemble(
    name: str,
    kind: Kind,
    parts: Mapping[Part, Dense | Streamed],
    classes: tuple[str, ...],
    *,
    source: str,
    licence: str = "not stated",
    subject: str | None = None,
    development: int | None = None,
) -> Dataset:
    """Make a data set of the parts that a source has.

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
    train = parts["train"]
    check_classes(train.targets, classes, subject or name)
    missing: list[Part] = [part for part in ("development", "test") if part not in parts]
    sizes = [round(len(train) / 10) for _ in missing]
    if missing and missing[0] == "development" and development is not None:
        sizes[0] = development
    kept, *held_out = stratified(train.targets, *sizes)
    taken = dict(zip(missing, (train.select(index) for index in held_out), strict=True))
    whole: dict[Part, Dense | Streamed] = {**parts, **taken, "train": train.select(kept)}
    scaling = Scaling.fit_chunks(whole["train"].pieces(), kind)
    if missing:
        source += f"; {' and '.join(missing)} held out from training examples, stratified, fixed seed"
    return Dataset(
        name=name,
        kind=kind,
        train=replace(whole["train"], scaling=scaling),
        development=replace(whole["development"], scaling=scaling),
        test=replace(whole["test"], scaling=scaling),
        shape=tuple(next(whole["train"].pieces(1)).shape[1:]),
        classes=classes,
        scaling=scaling,
        source=source,
        licence=licence,
    )
