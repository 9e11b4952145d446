"""The run that another stands on: teacher of a distillation, backbone under a head, judge of what a generator makes.

It lies in `FOLDER/pretrained`, a run folder of its own: trained there when the recipe names a recipe, copied there
when it names a run. So a run holds all that it needs, whatever becomes of the original.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, RunError
from neurarium.nets.parts.features import Rescaled
from neurarium.record.files import write_atomic
from neurarium.record.schema import Field, Schema
from neurarium.tasks.table import task_class
from neurarium.training.data_info import read_data_info
from neurarium.training.device import DeviceConfig
from neurarium.training.folder import is_finished, is_run, load_weights, read_recipe
from neurarium.training.recipe import Recipe, net_kind

_FIRST = ("config.toml", "data.json", "record.jsonl", "weights.safetensors")
_LAST = "weights.json"  # a run is finished when this is there


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A net with its weights, and the data that it knows."""

    name: str
    net: nn.Module
    schema: Schema

    def check(self, recipe: Recipe, schema: Schema) -> None:
        """Refuse a pretrained run that cannot answer for these data.

        Raises ConfigError: examples of another shape, or for a teacher other classes.
        """
        own, asked = ([(f.shape, f.categories) for f in s.inputs.values()] for s in (self.schema, schema))
        if own != asked:
            raise ConfigError(
                f"pretrained {self.name}",
                expected=f"examples of shape {', '.join(str(shape) for shape, _ in asked)}",
                got=f"shape {', '.join(str(shape) for shape, _ in own)}",
            )
        if role_of(recipe) == "teacher" and self.schema.classes != schema.classes:
            raise ConfigError(
                f"pretrained {self.name}",
                expected=f"a teacher of the classes {', '.join(schema.classes)}",
                got=f"one of {', '.join(self.schema.classes)}",
            )

    def scaled_as(self, field: Field) -> nn.Module:
        """The net for inputs under another scaling than its own.

        (m + s x - m') / s' = (s/s') x + (m - m')/s'        own constants with a dash
        """
        own = self.schema.input
        if (own.mean, own.std) == (field.mean, field.std):
            return self.net
        shape = (-1, *[1] * field.trailing)
        plain = ((0.0,) * field.channels, (1.0,) * field.channels)
        mean, std, own_mean, own_std = (
            torch.tensor(numbers, dtype=torch.float64).view(shape)
            for pair in ((field.mean, field.std), (own.mean, own.std))
            for numbers in (pair if pair[0] else plain)
        )
        return Rescaled(self.net, (std / own_std).float(), ((mean - own_mean) / own_std).float())

    def helpers(self, recipe: Recipe, schema: Schema, device_config: DeviceConfig) -> dict[str, nn.Module]:
        """The net as the helper that the recipe's task asks for; none where it is the backbone of the net itself."""
        role = role_of(recipe)
        if role not in ("teacher", "judge"):
            return {}
        self.check(recipe, schema)
        net = device_config.place(self.scaled_as(schema.input))
        return {role: Teacher(net, device_config) if role == "teacher" else Judge(net, self.name)}


class Teacher(nn.Module):
    """Answers the inputs of a batch in evaluation mode, without gradient."""

    def __init__(self, net: nn.Module, device_config: DeviceConfig) -> None:
        super().__init__()
        self.net = net.requires_grad_(False).eval()
        self.device_config = device_config

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits in float32."""
        with torch.no_grad(), self.device_config.autocast():
            outputs: Tensor = self.net(*inputs)
        return outputs.float()


class Judge(nn.Module):
    """A classifier that looks at what a generator makes."""

    def __init__(self, net: nn.Module, title: str) -> None:
        super().__init__()
        self.net, self.title = net.eval(), title

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.net(x)
        return logits


def role_of(recipe: Recipe) -> str:
    """The part that another run plays in a recipe: backbone, teacher, judge, or none."""
    if recipe.net.needs:
        return recipe.net.needs
    if recipe.loss.name == "distillation":
        return "teacher"
    name = recipe.net.task if recipe.task == "auto" else recipe.task
    if name == "supervised":
        return ""
    kind = task_class(name)
    return kind.needs or kind.uses


def check_need(recipe: Recipe) -> None:
    """Raise ConfigError where a pretrained run is missing, or nothing uses it."""
    role = role_of(recipe)
    if role in ("backbone", "teacher") and not recipe.pretrained:
        what = f"net {net_kind(recipe.net)}" if role == "backbone" else "loss distillation"
        raise ConfigError(
            "pretrained",
            expected=f"the run that the {what} stands on",
            got="none",
            remedy="name a recipe or a run folder: --pretrained lenet5",
        )
    if recipe.pretrained and not role:
        raise ConfigError(
            "pretrained",
            expected="none, as only the loss distillation, the net linear-probe and generators use it",
            got=repr(recipe.pretrained),
        )


def pretrained_folder(folder: str | Path) -> Path:
    """Where the pretrained run of a run lies."""
    return Path(folder) / "pretrained"


def read_pretrained(folder: str | Path) -> Pretrained:
    """Read the run in `folder` as a pretrained. Raises RunError: no run there, one that is not finished, or damaged."""
    refuse_unfinished(folder)
    recipe, info = read_recipe(folder), read_data_info(folder)
    # building draws initial weights; the caller's generator is none of its business
    with torch.random.fork_rng(devices=[]):
        net = build_net(recipe, info.schema, folder=folder)
    if passed := load_weights(net, folder):
        remedy = "restore it: what stands on it learned from its final weights"
        raise RunError(str(folder), expected="whole weights", got=passed[0], remedy=remedy)
    return Pretrained(recipe.name, net, info.schema)


def build_net(
    recipe: Recipe, schema: Schema, *, pretrained: Pretrained | None = None, folder: str | Path | None = None
) -> nn.Module:
    """Build the net of a recipe with fresh weights, on its pretrained where it stands on one.

    Args:
        pretrained: what a net with a backbone stands on.
        folder: the run folder, where `pretrained` is not given: the pretrained lies below it.
    """
    if not recipe.net.needs:
        return recipe.net.build(schema)
    if pretrained is None and folder is not None:
        pretrained = read_pretrained(pretrained_folder(folder))
    if pretrained is None:
        return recipe.net.build(schema)
    pretrained.check(recipe, schema)
    return recipe.net.build(schema, pretrained.scaled_as(schema.input))


def copy_run(original: str | Path, folder: str | Path) -> None:
    """Copy a finished run, without its checkpoints and figures, to where another will stand on it.

    Each file is whole or not there, and the one that says "finished" comes last: a copy cut short is made anew.
    Raises RunError: no run there, or one that is not finished; StorageError: the copy cannot be written.
    """
    original, folder = Path(original), Path(folder)
    refuse_unfinished(original)
    if is_run(pretrained_folder(original)):
        copy_run(pretrained_folder(original), pretrained_folder(folder))
    for name in (*_FIRST, _LAST):
        if (original / name).exists():
            write_atomic(folder / name, (original / name).read_bytes())


def refuse_unfinished(folder: str | Path) -> None:
    """Raise RunError where there is no run, or one that is not finished."""
    read_recipe(folder)
    if not is_finished(folder):
        raise RunError(
            str(folder),
            expected="a finished run to stand on",
            got="one that has not come to its end",
            remedy=f"neurarium resume {folder}",
        )
