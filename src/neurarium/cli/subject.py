"""What a command looks into: a run's net with its trained weights, or a recipe's with its first ones, and its data."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from neurarium.cli.notices import tell

if TYPE_CHECKING:
    from torch import nn

    from neurarium.data.batch import Batch
    from neurarium.data.dataset import Dataset
    from neurarium.tasks.task import Task
    from neurarium.training.device import DeviceConfig
    from neurarium.training.recipe import Recipe
    from neurarium.training.run import Run


class Subject(NamedTuple):
    """A net and what belongs to it.

    Attributes:
        recipe: by which it was or would be trained.
        folder: of the run; none for a recipe.
    """

    net: "nn.Module"
    recipe: "Recipe"
    dataset: "Dataset"
    device_config: "DeviceConfig"
    folder: Path | None

    def batch(self, rows: "list[int]") -> "Batch":
        """Gather training examples, on the net's device."""
        import torch

        train = self.dataset.train
        return train.gather(torch.tensor(rows, device=train.device)).to(self.device_config.device)

    def task(self) -> "Task":
        """What is asked of the net; of a student without its teacher where that one is not trained yet."""
        from neurarium.tasks.table import task_of
        from neurarium.training.pretrained import pretrained_folder, read_pretrained, role_of
        from neurarium.training.recipe import for_measuring

        recipe, schema, helpers = self.recipe, self.dataset.schema, {}
        if self.folder and recipe.pretrained:
            helpers = read_pretrained(pretrained_folder(self.folder)).helpers(recipe, schema, self.device_config)
        elif role_of(recipe) == "teacher":
            recipe = for_measuring(recipe)
        return task_of(recipe, schema, train=self.dataset.train, helpers=helpers, device=self.device_config.device)


def find_subject(name: str, data: str | None = None) -> Subject:
    """Load a run, or make a recipe's net with the weights that its seed gives.

    Args:
        data: another data set; none: the run's or recipe's own.
    Raises ConfigError: neither a run nor a recipe; names the closest; DataError: data of another shape, or of classes
    that the run has not learned.
    """
    from neurarium import api
    from neurarium.checks import choose
    from neurarium.recipes.catalog import RECIPES
    from neurarium.training.device import find_device
    from neurarium.training.folder import is_run
    from neurarium.training.rules.table import resolved
    from neurarium.training.seed import own_generators, seed_everything

    if not is_run(name):
        recipe = choose(name, RECIPES, subject="recipe or run folder")()
        dataset = api.load_data(data) if data else api.data_of(recipe)
        device_config = find_device(recipe.device, resolved(recipe).precision)
        with own_generators():
            seed_everything(recipe.seed)
            net = api.fresh_net(recipe, dataset.schema)
        return Subject(device_config.place(net), recipe, dataset, device_config, None)
    trained = api.load(name)
    tell(trained.notices)
    dataset = trained.fitted(data_for(trained, data))
    return Subject(trained.net, trained.recipe, dataset, trained.device_config, Path(name))


def data_for(trained: "Run", data: str | None = None) -> "Dataset":
    """Load the data that a run learned from, or others.

    Raises DataError: it learned from data in memory, which no name leads to.
    """
    from neurarium import api
    from neurarium.checks import DataError

    if data:
        return api.load_data(data)
    dataset = api.data_of(trained.recipe)
    if dataset.name != trained.info.name:
        raise DataError(
            f"data {trained.info.name}",
            expected="data that can be found by their name",
            got="data that were in memory when the run learned from them",
            remedy="name others like them with --data, or use the run in Python: run.evaluate(dataset)",
        )
    return dataset
