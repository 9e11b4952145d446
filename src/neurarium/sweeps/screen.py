"""A sweep as it happens: a bar over all runs with the time left, and a line for each run that ends."""

import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from neurarium.record.events import EpochEnded, Event, Stopped
from neurarium.report.format import clock, duration, percent
from neurarium.report.screen import can_redraw


class SweepProgress:
    """Counts updates over all runs; the time left assumes that every run goes through all of its epochs.

    `updates`: updates of all runs that are still to do.
    """

    def __init__(self, console: Console | None, runs: int, updates: int) -> None:
        self.console, self.runs, self.ended = console, runs, 0
        self.updates, self.done = max(1, updates), 0
        self._now, self._began = "", time.monotonic()
        self._bests: dict[str, EpochEnded] = {}
        self._live: Live | None = None

    def __enter__(self) -> "SweepProgress":
        if self.console is not None and can_redraw(self.console):
            self._live = Live(console=self.console, get_renderable=self._render, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, line: str, style: str = "") -> None:
        """Write a line."""
        if self.console is not None:
            self.console.print(Text(line, style), soft_wrap=True, highlight=False)

    def note(self, line: str) -> None:
        """Write a notice, to standard error unless it would fall into the bar."""
        if self.console is not None:
            notes = self.console if self._live else Console(stderr=True)
            notes.print(Text(f"note: {line}", "yellow"), soft_wrap=True, highlight=False)

    def see(self, run: str, event: Event) -> None:
        """Take note of an event of a run."""
        self._now = run
        if isinstance(event, EpochEnded) and event.best:
            self._bests[run] = event
        if isinstance(event, Stopped) and event.reason != "interrupted":
            best = self._bests.get(run)
            reached = f"validation error {percent(best.validation.get('error'))} in epoch {best.epoch}" if best else ""
            self._end(f"{run}: {reached}, {duration(event.seconds)}")

    def count(self, updates: int) -> None:
        """Count updates that were done, or that a run need not do any more."""
        self.done += updates

    def diverged(self, run: str, message: str) -> None:
        """Take note of a run that met a number that is not finite."""
        self._end(f"{run}: diverged at {message.split(':')[0]}", "yellow")

    def _end(self, line: str, style: str = "") -> None:
        self.ended += 1
        self.say(f"{line}   [{self.ended} of {self.runs} runs{self._left()}]", style)

    def _left(self) -> str:
        """The time left, at the pace of this sitting."""
        if self.ended == self.runs or not self.done:
            return ""
        seconds = (time.monotonic() - self._began) * max(0, self.updates - self.done) / self.done
        return f", {clock(seconds)} left"

    def _render(self) -> Table:
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            Text(self._now, "bold", no_wrap=True, overflow="ellipsis"),
            ProgressBar(total=self.updates, completed=min(self.done, self.updates), width=32),
            Text(f"{self.ended}/{self.runs} runs{self._left()}", "cyan", no_wrap=True),
        )
        return bar
