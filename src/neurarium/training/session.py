"""One sitting of a run: a fresh start or a continuation, its events, its files.

A run folder holds `config.toml`, `data.json`, `record.jsonl`, `checkpoints/`, and when the run is over
`best.safetensors` and `weights.safetensors` (the best epoch's too, unless the recipe says otherwise), each with its
manifest. `pretrained/` is there where the run stands on another: that one's folder.
"""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError, RunError
from neurarium.data.dataset import Dataset
from neurarium.data.labels import lone_classes
from neurarium.record.events import CheckpointSaved, EpochEnded, Event, Notice, Started, Stepped, Stopped
from neurarium.record.files import make_folder, remove_parts, storage_errors
from neurarium.record.run_record import recorded, rewind
from neurarium.record.sealed import read_settings, write_json, write_settings
from neurarium.tasks.table import OwnLoss, task_of, try_one_batch
from neurarium.tasks.task import Task, Trainable
from neurarium.training import matrix_products
from neurarium.training.checkpoint import (
    Checkpoint,
    load_newest,
    pack,
    prune,
    save_checkpoint,
    step_path,
    under,
    unpack,
)
from neurarium.training.data_info import FILE as DATA_FILE
from neurarium.training.data_info import DataInfo, read_data_info
from neurarium.training.device import DeviceConfig, find_device, keep_freed_memory, set_threads
from neurarium.training.diagnosis import refuse_non_finite
from neurarium.training.folder import RECIPE_FILE, check_origin, is_run, origin_of, remove_results
from neurarium.training.folder import read_recipe as read_recipe
from neurarium.training.interrupt import StopRequest
from neurarium.training.loop import BestWeights, learn, steps_per_epoch
from neurarium.training.matrix_products import LargestLinear, choose_products
from neurarium.training.pretrained import Pretrained, build_net, check_need, pretrained_folder, read_pretrained
from neurarium.training.progress import Progress
from neurarium.training.recipe import Recipe, recipe_to_plain
from neurarium.training.rules.rule import LearningRule, Setup
from neurarium.training.rules.table import make_rule, resolved
from neurarium.training.seed import generator_states, own_generators, restore_generators, seed_everything


@dataclasses.dataclass
class Session:
    """A net, its rule and its data, at some point of a run."""

    recipe: Recipe
    dataset: Dataset
    net: nn.Module
    task: Task
    rule: LearningRule
    device_config: DeviceConfig
    folder: Path | None = None
    progress: Progress = dataclasses.field(default_factory=Progress)
    best: BestWeights = dataclasses.field(default_factory=BestWeights)
    notices: list[str] = dataclasses.field(default_factory=list)
    generators: dict[str, Tensor] = dataclasses.field(default_factory=generator_states)
    origin: dict[str, str] = dataclasses.field(default_factory=dict)
    _saved_last: Path | None = None

    def events(self, stop: StopRequest | None = None) -> Iterator[Event]:
        """Learn, save, record; yield everything that happens.

        Raises NonFiniteError: see `learn`; the folder keeps its last good checkpoint; StorageError: the disk does not
        take a file.
        """
        restore_generators(self.generators)  # whatever has drawn from them since the session was made
        state = (self.rule, self.dataset, self.recipe, self.device_config, self.progress, self.best)
        stream = learn(*state, stop or StopRequest(), self.task.name)
        if self.folder is not None:
            self.open_folder()
            stream = recorded(self._saved(stream), self.folder / "record.jsonl")
        for event in stream:
            if isinstance(event, Stopped) and event.reason != "interrupted":
                self.finish()
            yield event

    def open_folder(self) -> None:
        """Bring the folder, if there is one, to where the session stands, before anything is learned.

        Raises StorageError: the disk does not take a file.
        """
        if self.folder is None:
            return
        seals = read_settings(self.folder / RECIPE_FILE)[1]
        with storage_errors(self.folder):
            rewind(self.folder / "record.jsonl", self.progress.step, self.progress.epoch)
        # only now, as settings or a record that are damaged have been refused
        remove_parts(self.folder)
        remove_results(self.folder)
        write_settings(self.folder / RECIPE_FILE, recipe_to_plain(self.recipe), seals)
        self.take_place(self.folder)

    def _saved(self, events: Iterator[Event]) -> Iterator[Event]:
        """Pass events on, saving a checkpoint where one is due and at the end."""
        policy, last = self.recipe.checkpoints, time.monotonic()
        for event in events:
            if isinstance(event, Stopped):
                yield from self.save()
            yield event
            if isinstance(event, Started):
                yield from (Notice(text) for text in self.notices)
            if isinstance(event, (Stepped, EpochEnded)):
                counted = policy.steps and isinstance(event, Stepped) and event.step % policy.steps == 0
                if counted or time.monotonic() - last >= policy.seconds:
                    yield from self.save()
                    last = time.monotonic()

    def save(self) -> Iterator[CheckpointSaved]:
        """Save a checkpoint, unless this very state is saved already or there is no folder.

        Raises NonFiniteError: a weight is infinite or undefined; nothing is saved.
        """
        if self.folder is None:
            return
        path = step_path(self.folder / "checkpoints", self.progress.step, self.progress.epoch)
        if path == self._saved_last:
            return
        refuse_non_finite(self.net, self.progress.step)
        tensors: dict[str, Tensor] = {f"net/{name}": t for name, t in self.net.state_dict().items()}
        tensors |= {f"best/{name}": t for name, t in self.best.state.items()}
        tensors |= {f"rng/{name}": t for name, t in generator_states().items()}
        values = {"rule": pack(self.rule.state_dict(), tensors, "rule"), "progress": self.progress.to_plain()}
        save_checkpoint(path, tensors, values, self._origin())
        prune(path.parent, self.recipe.checkpoints.keep)
        self._saved_last = path
        yield CheckpointSaved(self.progress.step, str(path.with_suffix(".safetensors")))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take up a checkpoint: weights, rule, random generators, progress."""
        tensors = checkpoint.tensors
        try:
            self.net.load_state_dict(under("net/", tensors))
            self.rule.load_state_dict(unpack(checkpoint.values["rule"], tensors))
        except (RuntimeError, KeyError, IndexError) as error:
            raise RunError(
                str(self.folder),
                expected="a checkpoint of this net",
                got="one of another",
                remedy="check config.toml; a net of your own is given again: resume(folder, net=module)",
            ) from error
        self.generators |= under("rng/", tensors)
        self.progress = Progress.from_plain(checkpoint.values["progress"])
        self.best.state = {n: t.to(self.device_config.device) for n, t in under("best/", tensors).items()}
        if self.folder is not None:
            self._saved_last = step_path(self.folder / "checkpoints", self.progress.step, self.progress.epoch)

    def finish(self) -> None:
        """End with the weights that the recipe asks for, and write them."""
        if self.folder is not None and self.best.state:
            save_checkpoint(self.folder / "best", self.best.state, {"epoch": self.progress.best.epoch}, self._origin())
        epoch = self.progress.epoch - 1
        if self.recipe.early_stopping.restore_best and self.best.state:
            self.net.load_state_dict(self.best.state)
            epoch = self.progress.best.epoch or epoch
        if self.folder is not None:
            save_checkpoint(self.folder / "weights", self.net.state_dict(), {"epoch": epoch}, self._origin())

    def take_place(self, folder: str | Path) -> None:
        """Learn into a run folder, whose recipe and schema are this session's."""
        self.folder = Path(folder)
        self.origin = {name: known[0] for name, known in origin_of(folder).items()}

    def _origin(self) -> dict[str, str]:
        """By what is learned here. Raises RunError: the folder is gone, or another run's by now."""
        assert self.folder is not None
        recipe = self.folder / RECIPE_FILE
        if not is_run(self.folder) or read_settings(recipe)[1][0] != self.origin[RECIPE_FILE]:
            raise RunError(
                str(self.folder),
                expected="the run folder that this run began with",
                got="another one" if is_run(self.folder) else "none: it was removed or renamed",
                remedy="leave a run's folder where it is while it learns; what was saved before lies where it went",
            )
        return self.origin


def build_session(
    recipe: Recipe,
    dataset: Dataset,
    net: nn.Module | None = None,
    pretrained: Pretrained | None = None,
    own_loss: OwnLoss | None = None,
) -> Session:
    """Make a session in memory: seed, net on its device, task, rule, data on the device.

    Args:
        net: a module of the user's own instead of the recipe's.
        pretrained: the run that the recipe stands on, where it stands on one.
        own_loss: a function of the user's own, where the recipe's loss is "custom".
    Raises ConfigError, DataError, ShapeError: net, data, task, pretrained run and device do not fit; the net has
    answered two examples. The session's recipe is `resolved`.
    """
    if len(dataset.train) == 0:
        raise DataError("training data", expected="at least one example", got="none")
    if recipe.loss.name == "custom" and own_loss is None:
        raise ConfigError(
            "loss", expected="the function that this run learns by", got="none", remedy="pass it again: loss=function"
        )
    if recipe.loss.name != "custom" and own_loss is not None:
        raise ConfigError("loss", expected=f"none, as the loss is {recipe.loss.name}", got="a function")
    if net is not None and not isinstance(net, nn.Module):
        raise ConfigError(
            "net", expected="a torch.nn.Module", got=f"type {type(net).__name__}", remedy="pass an instance: MyNet(...)"
        )
    schema = dataset.schema
    check_need(recipe)
    recipe = resolved(recipe)
    set_threads(recipe.threads)
    keep_freed_memory()
    device_config = find_device(recipe.device, recipe.precision, recipe.matrix_products)
    seed_everything(recipe.seed)
    if net is None:
        net = build_net(recipe, schema, pretrained=pretrained)
    recipe.augmentation.check(schema)
    helpers = {} if pretrained is None else pretrained.helpers(recipe, schema, device_config)
    net = device_config.place(net)
    task = task_of(recipe, schema, train=dataset.train, helpers=helpers, own_loss=own_loss, device=device_config.device)
    if isinstance(task, Trainable) and not any(p.requires_grad for p in net.parameters()):
        raise ConfigError("net", expected="at least one trainable parameter", got="none")
    total = recipe.epochs * steps_per_epoch(dataset.train, recipe)
    ready = dataset.cached().to(device_config.device)
    with own_generators(), LargestLinear() as largest:
        try_one_batch(net, task, ready.train, device_config.device, device_config.autocast)
    recipe, device_config = _chosen(recipe, device_config, net, largest, min(2, len(dataset.train)))
    rule = make_rule(Setup(recipe, net, task, schema, device_config, total))
    generators = generator_states()
    notices = lone_classes(dataset.train)
    return Session(recipe, ready, net, task, rule, device_config, notices=notices, generators=generators)


def _chosen(
    recipe: Recipe, device_config: DeviceConfig, net: nn.Module, largest: LargestLinear, examples: int
) -> tuple[Recipe, DeviceConfig]:
    """Decide what the recipe leaves open, told of the largest linear layer on so many examples."""
    if recipe.matrix_products != "auto" or recipe.compile or recipe.precision != "float32":
        return recipe, device_config
    if device_config.device.type != "cpu":
        return recipe, device_config
    part = recipe.batch_size // recipe.micro_batches
    if largest.sizes:
        rows, inputs, outputs = largest.sizes
        products = choose_products(rows * part // examples, inputs, outputs)
    else:  # a net that is not tried, with a rule of its own
        matrix = max((p for p in net.parameters() if p.dim() == 2), default=torch.empty(0, 0), key=torch.numel)
        products = choose_products(part, *matrix.shape)
    return replace(recipe, matrix_products=products), replace(device_config, matrix_products=products)


def start(
    recipe: Recipe,
    folder: str | Path,
    dataset: Dataset,
    net: nn.Module | None = None,
    own_loss: OwnLoss | None = None,
    notices: Sequence[str] = (),
) -> Session:
    """Start a run in a new folder; the pretrained run that it may stand on lies below it already.

    Raises RunError: the folder holds a run already; StorageError: the folder cannot be written.
    """
    refuse_used(folder)
    session = build_session(recipe, dataset, net, _pretrained_in(folder, recipe), own_loss)
    create_run_folder(session.recipe, folder, dataset)
    session.take_place(folder)
    session.notices += notices
    return session


def create_run_folder(recipe: Recipe, folder: str | Path, dataset: Dataset) -> None:
    """Make a folder a run's own: from here on it can be resumed.

    Raises RunError: the folder holds a run already; StorageError: the folder cannot be written.
    """
    folder = Path(folder)
    refuse_used(folder)
    make_folder(folder / "checkpoints")
    recipe = resolved(recipe)
    write_json(folder / DATA_FILE, DataInfo.of(dataset).to_plain())
    write_settings(folder / RECIPE_FILE, recipe_to_plain(recipe))


def refuse_used(folder: str | Path) -> None:
    """Raise RunError where a folder holds a run."""
    if is_run(folder):
        raise RunError(
            str(folder), expected="a new folder", got="a run", remedy=f"neurarium resume {folder}, or another --out"
        )


def resume(
    folder: str | Path,
    recipe: Recipe,
    dataset: Dataset,
    net: nn.Module | None = None,
    own_loss: OwnLoss | None = None,
    notices: Sequence[str] = (),
) -> Session:
    """Continue a run from its newest whole checkpoint.

    The recipe is the run's own, or one with more epochs. Where its precision or its matrix products are "auto", those
    that the run started with stay. Damaged checkpoints are passed over, with a notice.
    Raises RunError: no run there, all checkpoints damaged, or the data has changed since.
    """
    folder = Path(folder)
    refuse_other_data(folder, dataset)
    begun = read_recipe(folder)
    if recipe.precision == "auto":
        recipe = replace(recipe, precision=begun.precision)
    if recipe.matrix_products == "auto":
        recipe = replace(recipe, matrix_products=begun.matrix_products)
    checkpoint, damaged = load_newest(folder / "checkpoints")
    session = build_session(recipe, dataset, net, _pretrained_in(folder, recipe), own_loss)
    session.folder = folder
    session.notices += [*notices, *(f"passed over a damaged checkpoint: {line}" for line in damaged)]
    if session.device_config.takes_onednn and not matrix_products.is_available():
        session.notices.append(
            "oneDNN, by which the run began, is not here: its numbers go on to rounding, not to the bit"
        )
    if checkpoint is not None:
        check_origin(checkpoint, folder)
        session.restore(checkpoint)
    elif (folder / "record.jsonl").exists():
        session.notices.append("no checkpoint yet: starting from the first step")
    return session


def refuse_other_data(folder: str | Path, dataset: Dataset) -> None:
    """Raise RunError where a run learned from other data."""
    info, now = read_data_info(folder), dataset.fingerprint()
    if info.fingerprint != now:
        raise RunError(
            str(folder),
            expected=f"the data it learned from ({info.fingerprint[:12]})",
            got=f"other data ({now[:12]})",
            remedy="restore the data (data of your own are given again: resume(folder, data=...)), or start a new run",
        )


def _pretrained_in(folder: str | Path, recipe: Recipe) -> Pretrained | None:
    return read_pretrained(pretrained_folder(folder)) if recipe.pretrained else None
