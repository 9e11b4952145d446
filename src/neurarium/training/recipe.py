"""A complete run as plain values: net, data, loss, optimizer, and everything else that decides its weights.

Torch-free, so that it parses, prints and compares without loading anything heavy.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from neurarium.checks import ConfigError, choose
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.fine_tuning import FineTuning
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.catalog import NETS, named_specs
from neurarium.nets.spec import NetSpec
from neurarium.record.config import brief, flat, overlay, to_plain
from neurarium.record.notebook import html_table
from neurarium.record.schema import Schema

Precision = Literal["float32", "bfloat16", "auto"]


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise ConfigError(name, expected="an integer >= 1", got=str(value))


@dataclass(frozen=True)
class Checkpoints:
    """How often a run is saved; the end of the run always is."""

    seconds: float = 10.0
    """Save at the first step after so many seconds."""
    steps: int | None = None
    """Save every so many steps as well."""
    keep: int = 2
    """Number of checkpoints kept."""

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ConfigError("checkpoints.seconds", expected="a number > 0", got=str(self.seconds))
        _at_least_one("checkpoints.keep", self.keep)
        if self.steps is not None:
            _at_least_one("checkpoints.steps", self.steps)


@dataclass(frozen=True)
class OwnNet(NetSpec):
    """Stands for a module that the user passed in; a run folder cannot rebuild it by itself."""

    summary = "your own module"

    def build(self, schema: Schema, backbone: Any = None) -> Any:
        """Refuse: only the user has the module."""
        raise ConfigError(
            "net", expected="the module that this run trained", got="none", remedy="pass it again: net=module"
        )


@dataclass(frozen=True)
class Recipe:
    """A complete run. Same recipe, data, machine and thread count: same weights, bit for bit."""

    name: str = "mine"
    """Name of the run; its folder is called after it."""
    net: NetSpec = field(default_factory=OwnNet)
    """The net and its sizes."""
    task: str = "auto"
    """What is asked of the net; auto: what it is made for; a module of your own predicts classes or numbers."""
    data: str = "mnist-5k"
    """Data set: a name from `neurarium list`, an idx, npz or csv file, or a folder of images."""
    data_folder: str | None = None
    """Folder where the files of a named data set lie; none: where they usually are."""
    pretrained: str = ""
    """The run that this one stands on, teacher or frozen trunk: a recipe's name, trained first, or a run folder."""
    loss: Loss = Loss()
    """What the net is asked to make small."""
    optimizer: Optimizer = Optimizer()
    """How weights follow the gradient."""
    schedule: Schedule = Schedule()
    """Course of the learning rate over the run."""
    augmentation: Augmentation = Augmentation()
    """Transformations of the examples that leave their class as it is."""
    fine_tuning: FineTuning = FineTuning()
    """Rates of a backbone that learns together with its head."""
    early_stopping: EarlyStopping = EarlyStopping()
    """When to stop early, and which weights to keep."""
    epochs: int = 10
    """Passes over the training data."""
    batch_size: int = 128
    """Examples in one update."""
    max_units: int | None = None
    """Elements in one update, padding counted: examples of about one length come together; none: any number."""
    gradients: Literal["autograd", "explicit"] = "autograd"
    """Where gradients come from: torch's autograd, or the layer rules of `learning.backprop` chained by hand."""
    micro_batches: int = 1
    """Parts into which a batch is cut to save memory; the update is the same, but for batch normalization."""
    clip_norm: float | None = None
    """Largest gradient norm; longer gradients are scaled down to it."""
    seed: int = 0
    """Seed of initial weights, shuffling and dropout."""
    device: str = "auto"
    """Where to compute: auto, cpu, cuda, cuda:1, mps."""
    precision: Precision = "float32"
    """Number format of the forward and backward pass; weights stay float32. auto: bfloat16 where it is fast, else
    float32, decided when the run starts."""
    matrix_products: Literal["auto", "mkl", "onednn"] = "auto"
    """Library for large linear layers in float32 on the CPU. auto: the one that is measured to be faster when the run
    starts; nothing is measured for nets without such layers."""
    threads: int | None = None
    """Number of CPU threads; none: as many as torch takes."""
    compile: bool = False
    """Compile the net with torch.compile (slow start, faster steps)."""
    checkpoints: Checkpoints = Checkpoints()
    """How often the run is saved."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "micro_batches"):
            _at_least_one(name, getattr(self, name))
        if self.micro_batches > self.batch_size:
            raise ConfigError(
                "micro_batches", expected=f"at most the batch size {self.batch_size}", got=str(self.micro_batches)
            )
        for name in ("threads", "max_units"):
            if getattr(self, name) is not None:
                _at_least_one(name, getattr(self, name))
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ConfigError("clip_norm", expected="a number > 0 or none", got=str(self.clip_norm))
        if not 0 <= self.seed < 2**63:
            raise ConfigError("seed", expected="an integer in [0, 2^63)", got=str(self.seed))
        if not self.name or "/" in self.name or self.name.startswith("."):
            raise ConfigError("name", expected="a plain folder name", got=repr(self.name))

    def __repr__(self) -> str:
        return brief(self)

    def _repr_html_(self) -> str:
        return html_table(f"Recipe {self.name}", changed(recipe_to_plain(self)).items())


def recipe_to_plain(recipe: Recipe) -> dict[str, Any]:
    """Turn a recipe into the dictionary that `config.toml` holds; the net's table gets its kind."""
    plain = to_plain(recipe)
    plain["net"] = {"kind": net_kind(recipe.net), **plain["net"]}
    return plain


def changed(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a recipe that are not as they are by default, and its net, by their dotted names."""
    usual = flat(recipe_to_plain(Recipe(net=NETS.get(recipe["net"]["kind"], OwnNet)())))
    return {
        name: value
        for name, value in flat(recipe).items()
        if name == "net.kind" or name not in usual or usual[name] != value
    }


def recipe_from_plain(values: Mapping[str, Any], base: Recipe | None = None) -> Recipe:
    """Lay plain values over `base`, or over an empty recipe when none is given.

    Raises ConfigError: unknown net kind, unknown field, wrong type, value out of range.
    """
    recipe, values = base or Recipe(), dict(values)
    if isinstance(values.get("loss"), str):  # the short form
        values["loss"] = {"name": values["loss"]}
    net = values.get("net")
    if isinstance(net, Mapping) and "kind" in net:
        spec = choose(str(net["kind"]), {**named_specs(), "own": OwnNet()}, subject="net.kind")
        if type(recipe.net) is not type(spec) or net["kind"] != net_kind(spec):  # a published size is that size
            recipe = dataclasses.replace(recipe, net=spec)
        values["net"] = {name: value for name, value in net.items() if name != "kind"}
    return overlay(recipe, values)


def fitted(recipe: Recipe, make: Callable[[], Recipe] | None, schema: Schema) -> tuple[Recipe, tuple[str, ...]]:
    """Leave out the transformations of a recipe of the catalog that such data do not have; the user's own stay.

    Returns the recipe, and what to tell the user.
    """
    kept, dropped = recipe.augmentation.fitting(schema)
    if not dropped or make is None or recipe.augmentation != make().augmentation:
        return recipe, ()
    names = ", ".join(f"augmentation.{name}" for name in dropped)
    said = f"without {names} of the recipe {recipe.name}, not for examples of shape {schema.input.in_words()}"
    return dataclasses.replace(recipe, augmentation=kept), (said,)


def for_measuring(recipe: Recipe) -> Recipe:
    """The recipe as a trained net is measured: without its teacher."""
    task = "classification" if recipe.task == "distillation" else recipe.task
    return dataclasses.replace(recipe, task=task, loss=recipe.loss.without_teacher())


def net_kind(spec: NetSpec) -> str:
    """Name of a spec's net in the catalog, "own" for a module of the user's."""
    return next((name for name, kind in NETS.items() if type(spec) is kind), "own")
