"""`neurarium variance NAME|RUN`: the size of the signal in every layer, against theory."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from neurarium.cli.parse import parse

if TYPE_CHECKING:
    from torch import Tensor, nn


def run(arguments: Sequence[str]) -> int:
    """Print the table and draw the picture."""
    return parse(variance, "variance", arguments)


def variance(name: tyro.conf.Positional[str], /, examples: int = 256, out: Path = Path("variance.png")) -> int:
    """Push a batch through a net: mean square and variance of every layer, forwards and backwards, against theory.

    Args:
        name: a recipe (its first weights) or a run folder (its last).
        examples: number of training examples to push through.
        out: PNG file for the picture.
    """
    from rich.console import Console

    from neurarium.learning.variance import variances
    from neurarium.report.curves import save_figure
    from neurarium.report.variance import variance_figure, variance_table

    net, inputs = _find(name, examples)
    rows = variances(net, inputs)
    console = Console(highlight=False)
    console.print(variance_table(rows))
    save_figure(variance_figure(rows, f"Size of the signal in {Path(name).name}"), out)
    console.print(f"Picture: {out}")
    return 0


def _find(name: str, count: int) -> "tuple[nn.Module, Tensor]":
    import torch

    from neurarium import api
    from neurarium.checks import ConfigError, choose
    from neurarium.recipes.catalogue import RECIPES
    from neurarium.training.seed import own_generators, seed_everything

    if count < 1:
        raise ConfigError("examples", expected="a whole number >= 1", got=str(count))
    if (Path(name) / "config.toml").exists():
        trained = api.load(name)
        dataset = api.data_of(trained.recipe)
        net, device, train = trained.net, trained.placement.device, dataset.train.with_scaling(trained.scaling)
    else:
        plan = choose(name, RECIPES, subject="recipe or run folder")()
        dataset = api.data_of(plan)
        with own_generators():
            seed_everything(plan.seed)  # the very first weights of a training run
            net = api.fresh_net(plan, dataset.shape, dataset.classes)
        device, train = torch.device("cpu"), dataset.train
    chosen = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:count]
    return net, train.gather(chosen).to(device).inputs
