"""The run that another stands on: teacher of a distillation, trunk of a classifier on features.

It lies in `FOLDER/source`, a run folder of its own: trained there when the recipe names a recipe, copied there when it
names a run. So a run holds all that it needs, whatever becomes of the original.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, RunError
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import Scaling
from neurarium.nets.feedforward.features_spec import FeaturesSpec
from neurarium.nets.parts.features import Rescaled
from neurarium.nets.spec import ScaledSpec
from neurarium.record.files import write_atomic
from neurarium.training.card import read_card
from neurarium.training.device import Placement
from neurarium.training.folder import is_finished, is_run, load_weights, read_recipe
from neurarium.training.recipe import Recipe, net_kind

_FIRST = ("config.toml", "data.json", "record.jsonl", "weights.safetensors")
_LAST = "weights.json"  # a run is finished when this is there


@dataclass(frozen=True)
class Source:
    """A net with its weights, and the data that it knows."""

    name: str
    net: nn.Module
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    scaling: Scaling

    def check(self, recipe: Recipe, shape: tuple[int, ...], classes: tuple[str, ...]) -> None:
        """Refuse a source that cannot answer for these data.

        Raises:
            ConfigError: examples of another shape, or for a teacher other classes.
        """
        if self.shape != tuple(shape):
            raise ConfigError(
                f"source {self.name}", expected=f"examples of shape {tuple(shape)}", got=f"shape {self.shape}"
            )
        if recipe.objective.name == "distillation" and self.classes != tuple(classes):
            raise ConfigError(
                f"source {self.name}",
                expected=f"a teacher of the classes {', '.join(classes)}",
                got=f"one of {', '.join(self.classes)}",
            )

    def scaled_as(self, scaling: Scaling) -> nn.Module:
        """The net for inputs under another scaling than its own.

        (m + s x - m') / s' = (s/s') x + (m - m')/s'        own constants with a dash
        """
        if scaling == self.scaling:
            return self.net
        mean, std, own_mean, own_std = (
            torch.tensor(numbers, dtype=torch.float64).view(-1, *[1] * (len(self.shape) - 1))
            for numbers in (scaling.mean, scaling.std, self.scaling.mean, self.scaling.std)
        )
        return Rescaled(self.net, (std / own_std).float(), ((mean - own_mean) / own_std).float())


class Teacher:
    """Answers the inputs of a batch in evaluation mode, without gradient."""

    def __init__(self, net: nn.Module, placement: Placement) -> None:
        self.net = placement.place(net).requires_grad_(False).eval()
        self.placement = placement

    def __call__(self, inputs: Tensor) -> Tensor:
        """Logits in float32."""
        with torch.no_grad(), self.placement.computing():
            outputs: Tensor = self.net(inputs)
        return outputs.float()


def needs_source(recipe: Recipe) -> bool:
    """Whether a recipe stands on another run."""
    return recipe.objective.name == "distillation" or isinstance(recipe.net, FeaturesSpec)


def may_use_source(recipe: Recipe) -> bool:
    """Whether a recipe can do without another run, but make use of one: to judge what a generator makes."""
    return recipe.net.purpose == "generation"


def check_need(recipe: Recipe) -> None:
    """Refuse a source that is missing, and one that nothing uses.

    Raises:
        ConfigError: says which of the two.
    """
    if needs_source(recipe) and not recipe.source:
        what = f"net {net_kind(recipe.net)}" if isinstance(recipe.net, FeaturesSpec) else "objective distillation"
        raise ConfigError(
            "source",
            expected=f"the run that the {what} stands on",
            got="none",
            remedy="name a recipe or a run folder: --source lenet5",
        )
    if recipe.source and not (needs_source(recipe) or may_use_source(recipe)):
        raise ConfigError(
            "source",
            expected="none, as only the objective distillation, the net features and generators use it",
            got=repr(recipe.source),
        )


def source_folder(folder: str | Path) -> Path:
    """Where the source of a run lies."""
    return Path(folder) / "source"


def read_source(folder: str | Path) -> Source:
    """Read the run in `folder` as a source.

    Raises:
        RunError: no run there, one that is not finished, or damaged.
    """
    refuse_unfinished(folder)
    recipe, card = read_recipe(folder), read_card(folder)
    shape, classes, scaling = tuple(card["shape"]), tuple(card["classes"]), Scaling.from_dict(card["scaling"])
    # building draws initial weights; the caller's generator is none of its business
    with torch.random.fork_rng(devices=[]):
        net = build_net(recipe, shape, classes, scaling, folder=folder)
    load_weights(net, folder)
    return Source(recipe.name, net, shape, classes, scaling)


def build_net(
    recipe: Recipe,
    shape: tuple[int, ...],
    classes: tuple[str, ...],
    scaling: Scaling,
    *,
    source: Source | None = None,
    folder: str | Path | None = None,
) -> nn.Module:
    """Build the net of a recipe with fresh weights, on its source where it stands on one.

    Args:
        recipe: names the net.
        shape: of one example.
        classes: names of the classes.
        scaling: of the examples that the net will see.
        source: what a net of features stands on.
        folder: the run folder, where `source` is not given: the source lies below it.
    """
    if isinstance(recipe.net, ScaledSpec):
        return recipe.net.build(shape, len(classes), scaling.mean, scaling.std)
    if not isinstance(recipe.net, FeaturesSpec):
        return recipe.net.build(shape, len(classes))
    if source is None and folder is not None:
        source = read_source(source_folder(folder))
    if source is None:
        return recipe.net.build(shape, len(classes))
    source.check(recipe, shape, classes)
    return recipe.net.build(shape, len(classes), source.scaled_as(scaling))


def teacher_for(recipe: Recipe, dataset: Dataset, source: Source | None, placement: Placement) -> Teacher | None:
    """The teacher that a recipe asks for; none where it asks for none."""
    if recipe.objective.name != "distillation" or source is None:
        return None
    source.check(recipe, dataset.shape, dataset.classes)
    return Teacher(source.scaled_as(dataset.scaling), placement)


def adopt(original: str | Path, folder: str | Path) -> None:
    """Copy a finished run, without its checkpoints and pictures, to where another will stand on it.

    Each file is whole or not there, and the one that says "finished" comes last: a copy cut short is made anew.

    Raises:
        RunError: no run there, or one that is not finished.
        StorageError: the copy cannot be written.
    """
    original, folder = Path(original), Path(folder)
    refuse_unfinished(original)
    if is_run(source_folder(original)):
        adopt(source_folder(original), source_folder(folder))
    for name in (*_FIRST, _LAST):
        if (original / name).exists():
            write_atomic(folder / name, (original / name).read_bytes())


def refuse_unfinished(folder: str | Path) -> None:
    """Refuse what cannot be stood on.

    Raises:
        RunError: no run there, or one that is not finished.
    """
    read_recipe(folder)
    if not is_finished(folder):
        raise RunError(
            str(folder),
            expected="a finished run to stand on",
            got="one that has not come to its end",
            remedy=f"neurarium resume {folder}",
        )
