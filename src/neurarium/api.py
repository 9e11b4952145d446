"""The few verbs that notebooks, scripts and the command line share: train, resume, load, plot, compare.

Example:
    >>> from dataclasses import replace
    >>> import neurarium
    >>> recipe = replace(neurarium.recipe("mlp"), epochs=1, batch_size=500)
    >>> run = neurarium.train(recipe, out=getfixture("tmp_path") / "run", progress=False)
    >>> run.predict(neurarium.load_data("mnist-5k").test.inputs[0][:3]).probabilities.shape
    (3, 10)
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from neurarium.checks import ConfigError, RunError, choose, one_of, suggest
from neurarium.data import catalog as data_catalog
from neurarium.data import own as own_data
from neurarium.data.dataset import Dataset
from neurarium.data.own import Own
from neurarium.learning.loss import Loss
from neurarium.recipes.catalog import RECIPES
from neurarium.record.events import Event
from neurarium.record.files import remove_parts
from neurarium.record.lock import locked
from neurarium.record.run_record import read_record
from neurarium.record.schema import Schema
from neurarium.record.sealed import write_json
from neurarium.report.curves import compare_figure, curves_figure, save_figure
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.table import save_figures
from neurarium.report.layers import write_layers
from neurarium.report.page import write_report
from neurarium.report.screen import shown
from neurarium.tasks.scores import Scores
from neurarium.tasks.table import OwnLoss
from neurarium.training import session as sessions
from neurarium.training.folder import is_finished, is_run, is_whole
from neurarium.training.interrupt import stop_on_interrupt
from neurarium.training.pretrained import (
    Pretrained,
    build_net,
    check_need,
    copy_run,
    pretrained_folder,
    read_pretrained,
    refuse_unfinished,
)
from neurarium.training.recipe import Recipe, fitted
from neurarium.training.run import Run, Split, load_run
from neurarium.training.seed import own_generators
from neurarium.training.session import Session

if TYPE_CHECKING:
    from rich.console import Console


def recipe(name: str) -> Recipe:
    """Return the recipe of this name. Raises ConfigError: no such recipe; names the closest.

    Example:
        >>> recipe("lenet5").epochs
        25
    """
    return choose(name, RECIPES, subject="recipe")()


def load_data(name: str, *, folder: str | None = None) -> Dataset:
    """Load a data set by name or path; see `neurarium list` and `data.catalog.load`."""
    return data_catalog.load(name, folder=folder)


def dataset_from(data: Any, *, target: str | Sequence[str] | None = None) -> Dataset:
    """Make a data set of arrays, a frame, series, or a PyTorch data set or loader; see `data.own.dataset_from`."""
    return own_data.dataset_from(data, target=target).dataset


def data_of(plan: Recipe) -> Dataset:
    """Load the data set that a recipe names."""
    return load_data(plan.data, folder=plan.data_folder)


def train(
    plan: Recipe | str,
    *,
    data: Any = None,
    target: str | Sequence[str] | None = None,
    net: nn.Module | None = None,
    loss: OwnLoss | None = None,
    out: str | Path | None = None,
    progress: bool = True,
    console: Console | None = None,
) -> Run:
    """Train a recipe and leave a run folder.

    Where the recipe stands on another run (`plan.pretrained`), that one is trained first, or copied, into
    `pretrained` below the run folder.

    Args:
        plan: the recipe, or its name.
        data: data in hand instead of those that the recipe names: a `Dataset`, a pair (X, y) of tensors or arrays, a
            pandas frame, a list of series with y, a torch `Dataset` or `DataLoader`; see `data.own.dataset_from`.
        target: column or columns of a frame that are to be predicted.
        net: a module of your own instead of the recipe's net, called with the batch's tensors.
        loss: a function of outputs and targets of your own instead of the recipe's loss, a mean over the examples.
        out: the run folder; none: `runs/NAME-1`, `runs/NAME-2` and so on.
        progress: show progress on the screen.
        console: where to show it; none: standard output.
    Returns: the trained run, or after Ctrl-C what it had learned until then.
    Raises ConfigError, DataError, ShapeError: recipe, data, net and loss do not fit; nothing has been written yet;
    NonFiniteError: learning diverged; the folder keeps the last good checkpoint; StorageError: the folder cannot be
    written; KeyboardInterrupt: stopped while the pretrained run was trained; the message says how to go on.
    """
    plan = _with_whole_paths(recipe(plan) if isinstance(plan, str) else plan)
    own = _data_in_hand(data, target, plan)
    if own.batch_size is not None:
        plan = dataclasses.replace(plan, batch_size=own.batch_size)
    if data is not None:
        plan = dataclasses.replace(plan, data=data_catalog.name_of(own.dataset), data_folder=None)
    if loss is not None:
        plan = dataclasses.replace(plan, loss=Loss("custom"))
    folder, dataset = Path(out or new_folder(plan.name)), own.dataset
    plan, left_out = fitted(plan, RECIPES.get(plan.name), dataset.schema)
    notices = (*own.notices, *left_out)
    with own_generators():
        check_need(plan)
        if not plan.pretrained:
            session = sessions.start(plan, folder, dataset, net, loss, notices)
            with _told_how_to_go_on(folder), locked(folder):
                return _fit(session, dataset, progress, console)
        # wrong settings show now, not when the pretrained run has been trained
        sessions.refuse_used(folder)
        sessions.build_session(plan, dataset, net, _fresh_pretrained(plan, dataset.schema), loss)
        _try_pretrained(plan, dataset)
        sessions.create_run_folder(plan, folder, dataset)
        with _told_how_to_go_on(folder), locked(folder):
            _make_pretrained(plan, folder, dataset, progress, console)
            session = sessions.resume(folder, plan, dataset, net, loss, notices)
            return _fit(session, dataset, progress, console)


def resume(
    folder: str | Path,
    *,
    data: Any = None,
    target: str | Sequence[str] | None = None,
    net: nn.Module | None = None,
    loss: OwnLoss | None = None,
    progress: bool = True,
    console: Console | None = None,
    **changes: Any,
) -> Run:
    """Continue a run from its newest checkpoint, bit for bit as if it had never stopped.

    Args:
        folder: the run folder.
        data: the data, where they came from memory.
        target: as in `train`.
        net: the module, where it was your own.
        loss: the function, where it was your own.
        progress: show progress on the screen.
        console: where to show it; none: standard output.
        changes: settings to change from here on, such as `epochs=30` or `device="cuda"`.
    Raises RunError: no run there, one that another process trains, other data than before, or nothing left to do.
    """
    plan = sessions.read_recipe(folder, changes)
    own = _data_in_hand(data, target, plan)
    dataset = own.dataset
    with own_generators(), _told_how_to_go_on(folder), locked(folder):
        if plan.pretrained:
            _make_pretrained(plan, Path(folder), dataset, progress, console)
        session = sessions.resume(folder, plan, dataset, net, loss, own.notices)
        done = session.rule.finished or session.progress.epoch > plan.epochs
        if not (done and is_finished(folder)):
            return _fit(session, dataset, progress, console)
        if not is_whole(folder):  # cut off while its report was written
            remove_parts(folder)
            with stop_on_interrupt():
                return _write_up(session, dataset)
        if session.rule.finished:
            raise RunError(str(folder), expected="something left to learn", got="a rule that has come to its end")
        raise RunError(
            str(folder),
            expected="epochs left to train",
            got=f"all {plan.epochs} done",
            remedy=f"neurarium resume {folder} --epochs {2 * plan.epochs} trains on, neurarium report {folder} makes "
            "its report anew",
        )


def remake_report(
    folder: str | Path,
    *,
    data: Any = None,
    target: str | Sequence[str] | None = None,
    net: nn.Module | None = None,
    device: str | None = None,
) -> Run:
    """Measure a run anew and write its scores, figures and report; of one under way its curves.

    Args:
        folder: the run folder.
        data: the data, where they came from memory.
        target: as in `train`.
        net: the module, where it was your own.
        device: as in `load`.
    Raises RunError: no run there, one that another process trains, or other data than it learned from; StorageError: a
    file cannot be written.
    """
    own = _data_in_hand(data, target, sessions.read_recipe(folder))
    sessions.refuse_other_data(folder, own.dataset)
    run = load_run(folder, net, device)
    with own_generators(), locked(folder):
        remove_parts(folder)
        write_results(run, own.dataset)
    return run


def fresh_net(plan: Recipe, schema: Schema) -> nn.Module:
    """Build a recipe's net with first weights; where it stands on the net of a recipe, that one is untrained too.

    Raises ConfigError, ShapeError, RunError: net, pretrained run and data do not fit.

    Example:
        >>> from neurarium.record.schema import image_schema
        >>> net = fresh_net(recipe("bottleneck-features"), image_schema())
        >>> net.output.in_features
        32
    """
    return build_net(plan, schema, pretrained=_fresh_pretrained(plan, schema))


def load(folder: str | Path, *, net: nn.Module | None = None, device: str | None = None) -> Run:
    """Read a run back from its folder, ready to evaluate and predict; see `training.run.load_run`."""
    return load_run(folder, net, device)


def plot(run: Run) -> Figure:
    """Draw the learning curves of a run; a notebook shows the figure."""
    return curves_figure(read_record(run.folder / "record.jsonl"), title=run.folder.name)


def compare(*folders: str | Path) -> Figure:
    """Draw the curves of several runs over each other."""
    return compare_figure({Path(f).name: read_record(Path(f) / "record.jsonl") for f in folders})


def new_folder(name: str, root: str | Path = "runs") -> Path:
    """Return the first of `runs/NAME-1`, `runs/NAME-2`, ... that does not exist."""
    number = 1
    while (Path(root) / f"{name}-{number}").exists():
        number += 1
    return Path(root) / f"{name}-{number}"


def write_results(run: Run, data: Dataset, split: Split = "test") -> Scores | None:
    """Measure a finished run and write scores, figures and the report into its folder; of one under way its curves.

    Returns: the scores; none where the data set has no such split, or the run is not finished.
    """
    folder, scores = run.folder, None
    if is_finished(folder):
        write_layers(run, folder)
        if len(getattr(data, split)) > 0:
            scores = run.evaluate(data, split)
            write_json(folder / "scores.json", scores.to_plain())
        save_figures(run, data, split, scores)
    save_figure(plot(run), folder / "curves.png")
    write_report(folder)
    return scores


def _data_in_hand(data: Any, target: str | Sequence[str] | None, plan: Recipe) -> Own:
    """The data that are given, or those that the recipe names."""
    return Own(data_of(plan)) if data is None else own_data.dataset_from(data, target=target)


def _with_whole_paths(plan: Recipe) -> Recipe:
    """Write paths to data out in full, so that a run can be resumed from another folder."""
    if plan.data not in data_catalog.SOURCES and plan.data_folder is None and Path(plan.data).exists():
        plan = dataclasses.replace(plan, data=str(Path(plan.data).resolve()))
    if plan.data_folder is not None:
        plan = dataclasses.replace(plan, data_folder=str(Path(plan.data_folder).resolve()))
    if plan.pretrained and plan.pretrained not in RECIPES and Path(plan.pretrained).exists():
        plan = dataclasses.replace(plan, pretrained=str(Path(plan.pretrained).resolve()))
    return plan


def _origin(plan: Recipe, schema: Schema) -> tuple[Recipe | Path, tuple[str, ...]]:
    """What the name of a pretrained run means: a recipe on the data and machine of the run itself, or a run folder.

    Returns it, and what of the recipe is left out as such data do not have it.
    Raises ConfigError: neither of the two; names the closest recipes; RunError: a run that is not finished.
    """
    if plan.pretrained in RECIPES:
        carried = ("data", "data_folder", "seed", "device", "threads", "checkpoints")
        origin = dataclasses.replace(recipe(plan.pretrained), **{name: getattr(plan, name) for name in carried})
        return fitted(origin, RECIPES[plan.pretrained], schema)
    if not Path(plan.pretrained).exists():
        raise ConfigError(
            "pretrained",
            expected=f"a run folder, or a recipe: {one_of(plan.pretrained, RECIPES)}",
            got=repr(plan.pretrained),
            remedy=suggest(plan.pretrained, RECIPES),
        )
    refuse_unfinished(plan.pretrained)
    return Path(plan.pretrained), ()


def _fresh_pretrained(plan: Recipe, schema: Schema) -> Pretrained | None:
    """The pretrained run of a recipe as it would be before anything is trained."""
    check_need(plan)
    if not plan.pretrained:
        return None
    origin, _ = _origin(plan, schema)
    if isinstance(origin, Path):
        return read_pretrained(origin)
    net = build_net(origin, schema, pretrained=_fresh_pretrained(origin, schema))
    return Pretrained(origin.name, net, schema)


def _try_pretrained(plan: Recipe, data: Dataset) -> None:
    """Prepare, and throw away, the runs of recipes on which a recipe stands: they must fit the data too."""
    origin, _ = _origin(plan, data.schema) if plan.pretrained else (Path(), ())
    if isinstance(origin, Recipe):
        sessions.build_session(origin, data, pretrained=_fresh_pretrained(origin, data.schema))
        _try_pretrained(origin, data)


def _make_pretrained(plan: Recipe, folder: Path, data: Dataset, progress: bool, console: Console | None) -> None:
    """Bring the pretrained run of a run to its end: copy it, train it, or go on where it was broken off.

    Raises KeyboardInterrupt: stopped before the end; it can be resumed.
    """
    below = pretrained_folder(folder)
    if is_finished(below):
        return
    origin, notices = _origin(plan, data.schema)
    if isinstance(origin, Path):
        copy_run(origin, below)
        return
    if is_run(below):
        origin = dataclasses.replace(sessions.read_recipe(below), device=plan.device, threads=plan.threads)
    if origin.pretrained:
        if not is_run(below):
            sessions.create_run_folder(origin, below, data)
        _make_pretrained(origin, below, data, progress, console)
    with locked(below):
        begun = is_run(below)
        session = (
            sessions.resume(below, origin, data) if begun else sessions.start(origin, below, data, None, None, notices)
        )
        _fit(session, data, progress, console)
    if not is_finished(below):
        raise KeyboardInterrupt


def _fit(session: Session, data: Dataset, progress: bool, console: Console | None) -> Run:
    """Let a session run to its end, showing it, and write what a reader wants to see."""
    with stop_on_interrupt() as stop:
        events: Iterator[Event] = session.events(stop)
        if progress:
            events = shown(events, console)
        # closed at once on an error, so that files and screen are in order before the message
        with contextlib.closing(events):  # type: ignore[type-var]
            for _ in events:
                pass
        # still under `stop_on_interrupt`: the folder of a run that has come to its end is made whole first
        return _write_up(session, data)


def _write_up(session: Session, data: Dataset) -> Run:
    """Write what a reader wants to see of a session that has stopped."""
    assert session.folder is not None
    run = load_run(session.folder, session.net.eval(), str(session.device_config.device))
    write_results(run, data)
    return run


@contextlib.contextmanager
def _told_how_to_go_on(folder: str | Path) -> Iterator[None]:
    """Let an interrupt say what to do next."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(f"stopped; go on with: neurarium resume {folder}") from interrupt
