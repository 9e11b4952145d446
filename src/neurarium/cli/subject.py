"""What a command looks into: a run's net with its trained weights, or a recipe's with its first ones, and its data."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import nn

    from neurarium.data.batch import Batch
    from neurarium.data.dataset import Dataset
    from neurarium.learning.criterion import Criterion
    from neurarium.training.device import Placement
    from neurarium.training.recipe import Recipe


class Subject(NamedTuple):
    """A net and what belongs to it.

    Attributes:
        net: on its device.
        recipe: by which it was or would be trained.
        dataset: scaled as the net knows it.
        placement: where to compute.
        folder: of the run; none for a recipe.
    """

    net: "nn.Module"
    recipe: "Recipe"
    dataset: "Dataset"
    placement: "Placement"
    folder: Path | None

    def batch(self, rows: "list[int]") -> "Batch":
        """Gather training examples, on the net's device."""
        import torch

        index = torch.tensor(rows, device=self.dataset.train.targets.device)
        return self.dataset.train.gather(index).to(self.placement.device)

    def criterion(self) -> "Criterion":
        """The recipe's objective for these data; without the teacher where that one is not trained yet."""
        from neurarium.training.evaluation import criterion_of
        from neurarium.training.source import read_source, source_folder, teacher_for

        source = read_source(source_folder(self.folder)) if self.folder and self.recipe.source else None
        teacher = teacher_for(self.recipe, self.dataset, source, self.placement)
        objective = self.recipe.objective if teacher else self.recipe.objective.without_teacher()
        return criterion_of(objective, self.dataset, teacher, self.placement)


def find_subject(name: str, data: str | None = None) -> Subject:
    """Load a run, or make a recipe's net with the weights that its seed gives.

    Args:
        name: a run folder or a recipe.
        data: another data set; none: the run's or recipe's own.

    Raises:
        ConfigError: neither a run nor a recipe; names the closest.
        DataError: data of another shape, or in another number of classes, than the run learnt.
    """
    from neurarium import api
    from neurarium.checks import DataError, choose
    from neurarium.recipes.catalogue import RECIPES
    from neurarium.training.device import find_placement
    from neurarium.training.folder import is_run
    from neurarium.training.seed import own_generators, seed_everything
    from neurarium.training.settled import settled

    if not is_run(name):
        recipe = choose(name, RECIPES, subject="recipe or run folder")()
        dataset = api.load_data(data) if data else api.data_of(recipe)
        placement = find_placement(recipe.device, settled(recipe).precision)
        with own_generators():
            seed_everything(recipe.seed)
            net = api.fresh_net(recipe, dataset.shape, dataset.classes)
        return Subject(placement.place(net), recipe, dataset, placement, None)
    trained = api.load(name)
    dataset = api.load_data(data) if data else api.data_of(trained.recipe)
    if tuple(dataset.shape) != trained.shape or len(dataset.classes) != len(trained.classes):
        raise DataError(
            f"data {dataset.name}",
            expected=f"examples of shape {trained.shape} in {len(trained.classes)} classes",
            got=f"shape {tuple(dataset.shape)}, {len(dataset.classes)} classes",
            remedy="name data like those of the training",
        )
    train, scaling = dataset.train.with_scaling(trained.scaling), trained.scaling
    dataset = dataclasses.replace(dataset, train=train, scaling=scaling)
    return Subject(trained.net, trained.recipe, dataset, trained.placement, Path(name))
