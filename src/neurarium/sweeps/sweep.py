"""Train every cell of a grid with several seeds, and compare means and spreads on the validation data.

The test split is not touched: settings are chosen here, and what chooses must not judge.
"""

import contextlib
import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from neurarium.checks import ConfigError, DataError, NonFiniteError, RunError, choose
from neurarium.data import catalog
from neurarium.data.dataset import Dataset
from neurarium.data.own import Own, dataset_from
from neurarium.recipes.catalog import RECIPES
from neurarium.record.events import Event, Stepped, Stopped
from neurarium.record.files import move_aside
from neurarium.record.lock import locked
from neurarium.record.schema import Schema
from neurarium.sweeps.folder import Request, Vmap, mark_diverged, read_request, run_folder, state_of, write_request
from neurarium.sweeps.grid import Cell, listed
from neurarium.sweeps.result import SweepResult, load_sweep, write_sweep
from neurarium.sweeps.screen import SweepProgress
from neurarium.training import session as sessions
from neurarium.training.ensemble.compatibility import why_not, worthwhile
from neurarium.training.ensemble.train import train_ensemble
from neurarium.training.interrupt import StopRequest, stop_on_interrupt
from neurarium.training.loop import steps_per_epoch
from neurarium.training.pretrained import copy_run, pretrained_folder, read_pretrained, refuse_unfinished
from neurarium.training.recipe import OwnNet, Recipe, fitted
from neurarium.training.seed import own_generators, seed_everything
from neurarium.training.session import Session

if TYPE_CHECKING:
    from rich.console import Console

NetMaker = Callable[[Schema], nn.Module]
"""Makes a fresh net for examples of a schema, its weights drawn from torch's default generator."""

_PATHS = ("data", "data_folder", "pretrained")


def sweep(
    recipe: Recipe | str,
    grid: Mapping[str, Any],
    *,
    seeds: int = 5,
    data: Any = None,
    target: str | Sequence[str] | None = None,
    net: NetMaker | None = None,
    out: str | Path | None = None,
    vmap: Vmap = "auto",
    progress: bool = True,
    console: "Console | None" = None,
) -> SweepResult:
    """Train a grid of settings with several seeds each, and draw mean and spread.

    Args:
        recipe: what all runs have in common, or its name.
        grid: dotted field to a list of values: {"optimizer.name": ["sgd", "adam"], "net.hidden": [(64,), (128, 64)]}.
        seeds: runs of a cell; their seeds count on from the recipe's.
        data: data in hand instead of those that the recipe names, of any kind that `data.own.dataset_from` takes.
        target: column or columns of a frame that are to be predicted.
        net: a function of your own instead of the recipe's net, from a schema to a module; called for every run after
            its seed is set. The folder keeps no more than a note of it.
        out: the folder; none: `sweeps/NAME-1`, `sweeps/NAME-2` and so on. One that holds this very sweep is gone on
            with: finished runs are skipped, a run that was cut off is resumed from its newest checkpoint.
        vmap: "auto" trains the seeds of a small net in one batched computation, "always" those of any net that
            can be, "never" none.
        progress: show progress on the screen.
        console: where to show it; none: standard output.
    Returns the cells with their numbers; after Ctrl-C those that are there.
    Raises ConfigError, DataError, ShapeError: grid, recipe, net and data do not fit; nothing has been trained yet;
    RunError: the folder holds another sweep; StorageError: the folder cannot be written.
    """
    if isinstance(recipe, str):
        recipe = choose(recipe, RECIPES, subject="recipe")()
    if isinstance(net, nn.Module):
        raise ConfigError(
            "net",
            expected="a function from a schema to a module",
            got=f"a module, {type(net).__name__}, whose weights all runs would share",
            remedy="pass net=lambda schema: MyNet(...)",
        )
    own = None if data is None else dataset_from(data, target=target)
    if own is not None and own.batch_size is not None:
        recipe = dataclasses.replace(recipe, batch_size=own.batch_size)
    if own is not None:
        recipe = dataclasses.replace(recipe, data=catalog.name_of(own.dataset), data_folder=None)
    request = _request(recipe, grid, seeds, vmap, net is not None, _mark(own))
    folder = Path(out) if out is not None else new_folder(recipe.name)
    return _carry_out(request, folder, own, _Nets(net), progress, console)


def resume_sweep(
    folder: str | Path,
    *,
    data: Any = None,
    target: str | Sequence[str] | None = None,
    net: NetMaker | None = None,
    progress: bool = True,
    console: "Console | None" = None,
) -> SweepResult:
    """Go on with a sweep that was interrupted or killed.

    Data, target and net are given as they were to `sweep`.
    Raises RunError: no sweep there, or other data than it was begun with; ConfigError: net or data that it was not
    begun with, or without those that it was.
    """
    request = read_request(Path(folder))
    own = None if data is None else dataset_from(data, target=target)
    for name, given, had, what in (
        ("net", net, request.own_net, "the function that makes this sweep's nets"),
        ("data", own, request.own_data, "the data that this sweep was begun with"),
    ):
        if had and given is None:
            remedy = f"pass it again in Python: neurarium.sweeps.sweep.resume_sweep(folder, {name}=...)"
            raise ConfigError(name, expected=what, got="none", remedy=remedy)
        if given is not None and not had:
            raise ConfigError(name, expected="none, as the recipe names it", got=type(given).__name__)
    if own is not None and _mark(own) != request.own_data:
        raise RunError(
            str(folder),
            expected=f"the data it was begun with ({request.own_data})",
            got=f"other data ({_mark(own)})",
            remedy="restore the data, or start a new sweep",
        )
    return _carry_out(request, Path(folder), own, _Nets(net), progress, console)


def new_folder(name: str, root: str | Path = "sweeps") -> Path:
    """Return the first of `sweeps/NAME-1`, `sweeps/NAME-2`, ... that does not exist."""
    number = 1
    while (Path(root) / f"{name}-{number}").exists():
        number += 1
    return Path(root) / f"{name}-{number}"


@dataclasses.dataclass(frozen=True)
class _Task:
    """One run that is to be done."""

    label: str
    recipe: Recipe
    folder: Path


class _Nets:
    """Nets by the user's function, one for every run; without a function the recipe's own net is taken."""

    def __init__(self, make: NetMaker | None) -> None:
        self._make = make
        self._last: nn.Module | None = None

    def fresh(self, recipe: Recipe, schema: Schema) -> nn.Module | None:
        """A net of the user's with the weights that the recipe's seed gives.

        Raises ConfigError: the function makes no net or the same one again, or neither it nor the recipe has one.
        """
        wanted = "a function from a schema to a fresh module"
        if self._make is None:
            if isinstance(recipe.net, OwnNet):
                raise ConfigError(
                    "net", expected=f"a recipe with a net, or {wanted}", got="none", remedy="pass net=function"
                )
            return None
        seed_everything(recipe.seed)
        try:
            inspect.signature(self._make).bind(schema)
        except TypeError as error:
            remedy = "pass net=lambda schema: MyNet(...)"
            raise ConfigError(
                "net", expected=wanted, got=f"one that takes no schema: {error}", remedy=remedy
            ) from error
        net = self._make(schema)
        if not isinstance(net, nn.Module) or net is self._last:
            returned = f"the class {net.__name__}" if isinstance(net, type) else type(net).__name__
            got = "the same module twice" if net is self._last else f"one that returns {returned}"
            raise ConfigError("net", expected=wanted, got=got, remedy="build the module inside the function")
        self._last = net
        return net


def _carry_out(
    request: Request, folder: Path, own: Own | None, nets: _Nets, progress: bool, console: "Console | None"
) -> SweepResult:
    """Do what is left of a sweep and write what there is to see."""
    from rich.console import Console

    cells = request.cells()
    with own_generators(), contextlib.ExitStack() as holding:
        datasets = _data_of(cells, None if own is None else own.dataset)
        fits = [
            fitted(cell.recipe, RECIPES.get(cell.recipe.name), dataset.schema)
            for cell, dataset in zip(cells, datasets, strict=True)
        ]
        cells = tuple(dataclasses.replace(cell, recipe=fit[0]) for cell, fit in zip(cells, fits, strict=True))
        notices = dict.fromkeys([*(() if own is None else own.notices), *(line for _, said in fits for line in said)])
        for cell, dataset in zip(cells, datasets, strict=True):
            _probe(cell.recipe, dataset, nets)  # what does not fit is refused now
        holding.enter_context(locked(folder))
        write_request(folder, request)
        work = [_tasks(request, folder, number, cell) for number, cell in enumerate(cells, start=1)]
        updates = sum(len(t) * _updates(c.recipe, d) for t, c, d in zip(work, cells, datasets, strict=True))
        screen = (console or Console()) if progress else None
        total = len(cells) * request.seeds
        with stop_on_interrupt() as stop, SweepProgress(screen, total, updates) as board:
            board.ended = total - sum(map(len, work))
            for notice in notices:
                board.note(notice)
            if board.ended:
                board.say(f"going on with {folder}: {board.ended} of {total} runs are over")
            for tasks, dataset in zip(work, datasets, strict=True):
                if tasks and not stop.requested:
                    _do_cell(tasks, dataset, nets, request.vmap, board, stop)
    result = load_sweep(folder)
    write_sweep(result)
    return result


def _do_cell(
    tasks: Sequence[_Task], data: Dataset, nets: _Nets, vmap: Vmap, board: SweepProgress, stop: StopRequest
) -> None:
    """Train the runs of one cell, together where that is asked for or worthwhile, else one after the other."""
    joint = False
    if vmap != "never" and (len(tasks) > 1 or vmap == "always"):
        probe = _probe(tasks[0].recipe, data, nets)
        reason = why_not(probe)
        if reason and vmap == "always":
            board.note(f"{tasks[0].label}: one by one, for {reason}")
        joint = not reason and (vmap == "always" or worthwhile(probe))
    with contextlib.ExitStack() as holding:
        if not joint:
            for task in tasks:
                if not stop.requested:
                    _watch(_alone(_open(task, data, nets, board, holding), stop), {str(task.folder): task}, board)
            return
        opened = [_open(task, data, nets, board, holding) for task in tasks]
        groups: dict[int, list[Session]] = {}
        for session in opened:
            groups.setdefault(session.progress.step, []).append(session)
        named = {str(task.folder): task for task in tasks}
        for group in groups.values():
            if not stop.requested:
                _watch(train_ensemble(group, stop), named, board)


def _watch(
    news: Iterator[tuple[Session, Event | NonFiniteError]], tasks: Mapping[str, _Task], board: SweepProgress
) -> None:
    """Let runs go to their end, showing them."""
    with contextlib.closing(news):  # type: ignore[type-var]
        for session, event in news:
            task = tasks[str(session.folder)]
            if isinstance(event, NonFiniteError):
                mark_diverged(task.folder, str(event))
                board.count(_left(session))
                board.diverged(task.label, str(event))
                continue
            if isinstance(event, Stepped):
                board.count(1)
            if isinstance(event, Stopped) and event.reason == "early":
                board.count(_left(session))
            board.see(task.label, event)


def _alone(session: Session, stop: StopRequest) -> Iterator[tuple[Session, Event | NonFiniteError]]:
    """One run by itself, its divergence told as it is told of runs that are trained together."""
    events = session.events(stop)
    try:
        with contextlib.closing(events):  # type: ignore[type-var]
            for event in events:
                yield session, event
    except NonFiniteError as error:
        yield session, error


def _open(task: _Task, data: Dataset, nets: _Nets, board: SweepProgress, holding: contextlib.ExitStack) -> Session:
    """Start a run, or take up one that was cut off; its folder is held until `holding` is closed."""
    with contextlib.ExitStack() as held:
        held.enter_context(locked(task.folder))
        session = _taken_up(task, data, nets, board) if state_of(task.folder) != "new" else None
        if session is None and state_of(task.folder) != "new":
            held.close()
            board.note(f"what was there lies in {move_aside(task.folder)}")
            held.enter_context(locked(task.folder))
        session = session or _start(task, data, nets)
        holding.push(held.pop_all())
    return session


def _taken_up(task: _Task, data: Dataset, nets: _Nets, board: SweepProgress) -> Session | None:
    """A run from its newest checkpoint; none where what is there cannot be read."""
    try:
        session = sessions.resume(task.folder, task.recipe, data, nets.fresh(task.recipe, data.schema))
    except RunError as error:
        if "other data" in str(error):
            raise
        board.note(f"{task.label}: restarted, {error}")
        return None
    step = session.progress.step
    board.say(f"{task.label}: " + (f"resumed at step {step:,}" if step else "restarted, no checkpoint was saved"))
    board.count(step)
    return session


def _start(task: _Task, data: Dataset, nets: _Nets) -> Session:
    if task.recipe.pretrained:
        copy_run(task.recipe.pretrained, pretrained_folder(task.folder))
    return sessions.start(task.recipe, task.folder, data, nets.fresh(task.recipe, data.schema))


def _probe(recipe: Recipe, data: Dataset, nets: _Nets) -> Session:
    """Make a session that is thrown away: it shows whether recipe and data fit.

    Raises ConfigError, DataError, ShapeError, RunError: they do not, or the run that it stands on is not there.
    """
    pretrained = None
    if recipe.pretrained:
        if not Path(recipe.pretrained).exists():
            raise ConfigError(
                "pretrained",
                expected="the folder of a finished run, one for all runs of a sweep",
                got=repr(recipe.pretrained),
                remedy=f"neurarium train {recipe.pretrained}, then --pretrained runs/{recipe.pretrained}-1",
            )
        refuse_unfinished(recipe.pretrained)
        pretrained = read_pretrained(recipe.pretrained)
    return sessions.build_session(recipe, data, nets.fresh(recipe, data.schema), pretrained)


def _tasks(request: Request, folder: Path, number: int, cell: Cell) -> list[_Task]:
    """The runs of a cell that are not over."""
    tasks = []
    for seed in range(cell.recipe.seed, cell.recipe.seed + request.seeds):
        run = run_folder(folder, number, cell, seed)
        if state_of(run) in ("new", "unfinished"):
            tasks.append(_Task(f"{cell.name}, seed {seed}", dataclasses.replace(cell.recipe, seed=seed), run))
    return tasks


def _updates(recipe: Recipe, data: Dataset) -> int:
    return recipe.epochs * steps_per_epoch(data.train, recipe)


def _left(session: Session) -> int:
    return _updates(session.recipe, session.dataset) - session.progress.step


def _data_of(cells: Sequence[Cell], data: Dataset | None) -> list[Dataset]:
    """The data of every cell, each data set loaded once. Raises DataError: no examples to choose by."""
    loaded: dict[tuple[str, str | None], Dataset] = {}
    found = []
    for recipe in (cell.recipe for cell in cells):
        name = (recipe.data, recipe.data_folder)
        if name not in loaded:
            loaded[name] = data if data is not None else catalog.load(recipe.data, folder=recipe.data_folder)
        if len(loaded[name].validation) == 0:
            raise DataError(
                f"data {loaded[name].name}",
                expected="validation examples, by which a sweep compares",
                got="none",
                remedy="hold some out of the training examples",
            )
        found.append(loaded[name])
    return found


def _mark(own: Own | None) -> str:
    """By what data in hand are known again."""
    return "" if own is None else own.dataset.fingerprint()[:12]


def _request(recipe: Recipe, grid: Mapping[str, Any], seeds: int, vmap: Vmap, own_net: bool, own_data: str) -> Request:
    """What is asked for, paths written out in full, so that a sweep can be gone on with from another folder."""
    recipe = dataclasses.replace(recipe, **{field: _whole(field, getattr(recipe, field)) for field in _PATHS})
    values = {field: [_whole(field, value) for value in values] for field, values in listed(recipe, grid).items()}
    return Request(recipe, values, seeds, vmap, own_net, own_data)


def _whole(field: str, value: Any) -> Any:
    """A path to data or a run in full; anything else as it is."""
    if field in _PATHS and value and value not in catalog.SOURCES and Path(value).exists():
        return str(Path(value).resolve())
    return value
