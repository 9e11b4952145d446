"""Learning as it happens: a live board on a terminal, one line an epoch everywhere.

The board is drawn by rich's own thread a few times a second; an update costs the loop no more than keeping the event.
Where there is no terminal (a pipe, a log), only the lines are written, without control codes.
"""

import contextlib
import importlib.util
import time
from collections import deque
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from neurarium.record.events import EpochEnded, Event, Notice, Scores, Started, Stepped, Stopped
from neurarium.report.format import clock, duration, many, number, percent

REFRESHES = 5  # a second
SMOOTHING = 0.02  # weight of the newest loss in the running mean
WINDOW = 50  # refreshes over which the speed is taken

HEADER = "epoch       loss    error  val. loss  val. err.  gradient     rate     time"


def shown(events: Iterator[Event], console: Console | None = None) -> Iterator[Event]:
    """Show a run while its events pass through.

    The terminal is as it was before when the stream ends, is closed, or an exception passes.

    `console`: where to write; none: standard output. Notices go to standard error, unless they would fall into a board
    that is drawn.
    """
    console = console or Console()
    notes = console if can_redraw(console) else Console(stderr=True)
    board = Board()
    with contextlib.ExitStack() as screen:
        for event in events:
            if isinstance(event, Stepped):
                board.step(event)
            elif isinstance(event, Started):
                board.start(event)
                _print(console, _opening(event), "bold")
                _print(console, HEADER, "dim")
                if can_redraw(console):
                    screen.enter_context(
                        Live(
                            console=console,
                            get_renderable=board.render,
                            refresh_per_second=REFRESHES,
                            transient=True,
                        )
                    )
            elif isinstance(event, EpochEnded):
                board.end_epoch(event)
                _print(console, epoch_line(event), "green" if event.best else "")
            elif isinstance(event, Notice):
                _print(notes, f"note: {event.message}", "yellow")
            elif isinstance(event, Stopped):
                screen.close()
                _print(console, closing_line(event, board.started, board.best), "bold")
            yield event


class Board:
    """What the live display shows: the newest of everything."""

    def __init__(self) -> None:
        self.started: Started | None = None
        self.newest: Stepped | None = None
        self.epoch: EpochEnded | None = None
        self.best: EpochEnded | None = None
        self.loss = 0.0
        self._seen = 0
        self._marks: deque[tuple[float, int]] = deque(maxlen=WINDOW)

    def start(self, event: Started) -> None:
        """Begin a sitting."""
        self.started = event
        self._marks.append((time.monotonic(), event.step))

    def step(self, event: Stepped) -> None:
        """Keep an update; this runs at every step and must cost next to nothing."""
        self.newest = event
        self._seen += 1
        weight = SMOOTHING if self._seen > 1 / SMOOTHING else 1 / self._seen
        self.loss += weight * (event.loss - self.loss)

    def end_epoch(self, event: EpochEnded) -> None:
        """Keep an epoch."""
        self.epoch = event
        if event.best:
            self.best = event

    def speed(self, now: float, step: int) -> float:
        """Steps a second over the last refreshes, the time of everything between the steps included."""
        self._marks.append((now, step))
        before, steps = self._marks[0]
        return (step - steps) / (now - before) if now > before else 0.0

    def render(self) -> RenderableType:
        """Draw the board."""
        if self.started is None:
            return Text("")
        total = self.started.epochs * self.started.steps_per_epoch
        step = self.newest.step if self.newest else self.started.step
        speed = self.speed(time.monotonic(), step)
        left = f"{clock((total - step) / speed)} left" if speed > 0 else ""
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            Text(self.started.name, "bold", no_wrap=True, overflow="ellipsis"),
            ProgressBar(total=total, completed=step, width=32),
            Text(f"{step:,}/{total:,} steps  {step / total:.0%}", no_wrap=True),
            Text(left, "cyan", no_wrap=True),
        )
        return Group(bar, Text(self._now(speed), no_wrap=True, overflow="ellipsis"), self._scores())

    def _now(self, speed: float) -> str:
        """Describe the update that was just done."""
        assert self.started is not None
        if self.newest is None:
            return "first step under way"
        return (
            f"epoch {self.newest.epoch}/{self.started.epochs}"
            f"  step {self.newest.position}/{self.started.steps_per_epoch}"
            f"  loss {number(self.loss)}  rate {self.newest.learning_rate:.1e}"
            f"  {number(speed, 3)} steps/s"
        )

    def _scores(self) -> Text:
        """Describe the last epoch and the best."""
        if self.epoch is None:
            return Text("no epoch done yet", "dim")
        line = f"epoch {self.epoch.epoch}: training error {percent(self.epoch.train.get('error'))}"
        line += f", validation error {percent(self.epoch.validation.get('error'))}"
        if self.best is not None:
            line += f"; best epoch {self.best.epoch}: {percent(_watched(self.best).get('error'))}"
        return Text(line, "dim", no_wrap=True, overflow="ellipsis")


def epoch_line(event: EpochEnded) -> str:
    """Write an epoch as a row under `HEADER`."""
    train, validation = event.train, event.validation
    passed = f"{event.seconds:.1f} s" if event.seconds < 100 else clock(event.seconds)
    row = (
        f"{event.epoch:5d}  {number(train.get('loss')):>9}  {percent(train.get('error')):>7}"
        f"  {number(validation.get('loss')):>9}  {percent(validation.get('error')):>9}"
        f"  {number(event.gradient_norm, 3):>8}  {event.learning_rate:7.1e}  {passed:>7}"
    )
    return f"{row} best" if event.best else row


def closing_line(event: Stopped, started: Started | None, best: EpochEnded | None) -> str:
    """Say why the run stopped and where it stands."""
    per_epoch = started.steps_per_epoch if started else 1
    done = event.step // per_epoch
    kept = ""
    if event.best_epoch is not None:
        kept = f"best epoch {event.best_epoch}"
        if best is not None:
            part = "validation" if best.validation else "training"
            kept += f" ({part} error {percent(_watched(best).get('error'))})"
    if event.reason == "interrupted":
        total = f" of {started.epochs * per_epoch:,}" if started else ""
        return f"interrupted after {event.step:,}{total} steps, in epoch {event.epoch}, {duration(event.seconds)}"
    if event.reason == "converged":
        return f"nothing left to learn after {many(done, 'epoch')}, {duration(event.seconds)}"
    if event.reason == "early":
        return f"stopped early after {done} epochs, {duration(event.seconds)}: no gain since the {kept}"
    return f"finished {done} epochs in {duration(event.seconds)}" + (f"; {kept}" if kept else "")


def _opening(event: Started) -> str:
    line = f"{event.name}: {event.parameters:,} parameters, {event.epochs} epochs of {event.steps_per_epoch:,} steps"
    if "device" in event.environment:
        line += f", on {event.environment['device']}"
    return line + (f"; going on from step {event.step:,}" if event.step else "")


def _watched(event: EpochEnded) -> Scores:
    """The scores by which the best epoch is chosen: the training ones where there is no validation set."""
    return event.validation or event.train


def can_redraw(console: Console) -> bool:
    """Whether lines can be drawn over: a real terminal, or a notebook with widgets.

    A console that is told to be quiet shows none. rich takes FORCE_COLOR for a terminal; colors in a log do no harm,
    but moving the cursor there does.
    """
    if console.quiet:
        return False
    if console.is_jupyter:
        return importlib.util.find_spec("ipywidgets") is not None
    return console.is_terminal and not console.is_dumb_terminal and console.file.isatty()


def _print(console: Console, line: str, style: str) -> None:
    console.print(Text(line, style), soft_wrap=True, highlight=False)
