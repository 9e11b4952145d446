"""One of several runs that are trained vmap: its events, its record, its files."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from neurarium.record.events import Event, Scores, Stepped, StopReason
from neurarium.record.run_record import recorded
from neurarium.training.loop import end_epoch
from neurarium.training.rules.gradient import GradientRule
from neurarium.training.rules.rule import Update
from neurarium.training.session import Session

Told = tuple[Session, Event]


class Member:
    """A session whose updates come from outside."""

    def __init__(self, session: Session) -> None:
        assert isinstance(session.rule, GradientRule)
        self.session, self.rule, self.learning = session, session.rule, True
        self._queue: deque[Event] = deque()
        self._updates: list[Stepped] = []
        self._saved = time.monotonic()
        self._recorder: Iterator[Event] | None = None
        session.open_folder()
        if session.folder is not None:
            # never asked for more than was put in before, so the queue never runs dry
            self._recorder = recorded(iter(self._queue.popleft, None), session.folder / "record.jsonl")

    def tell(self, event: Event) -> Iterator[Told]:
        """Record an event and pass it on."""
        if self._recorder is not None:
            self._queue.append(event)
            next(self._recorder)
        yield self.session, event

    def take(self, update: Update) -> None:
        """Count an update; `report_steps` tells of it later."""
        progress = self.session.progress
        seconds = progress.seconds
        progress.count(update)
        progress.seconds = seconds  # the clock of a group is shared out by the group
        self._updates.append(progress.stepped(update))

    def report_steps(self) -> Iterator[Told]:
        """Tell of the updates since the last report; they carry the time of the report before."""
        updates, self._updates = self._updates, []
        for update in updates:
            yield from self.tell(update)

    def end_epoch(self, validation: Scores) -> Iterator[Told]:
        """Compare with the best epoch, keep the weights if this is it, and move on to the next."""
        session, progress = self.session, self.session.progress
        seconds = progress.seconds
        ended = end_epoch(self.rule, session.recipe, progress, session.best, validation)
        progress.seconds = seconds
        yield from self.tell(replace(ended, seconds=seconds))

    def save_is_due(self) -> bool:
        """Whether the recipe asks for a checkpoint by now."""
        return self.session.folder is not None and (
            time.monotonic() - self._saved >= self.session.recipe.checkpoints.seconds
        )

    def save(self) -> Iterator[Told]:
        """Save a checkpoint; the optimizer's state is the member's own again."""
        for event in self.session.save():
            yield from self.tell(event)
        self._saved = time.monotonic()

    def stopped(self, reason: StopReason) -> Iterator[Told]:
        """End this member's run with its files, its weights being its own again."""
        self.session.net.eval()
        yield from self.save()
        if reason != "interrupted":
            self.session.finish()
        yield from self.tell(self.session.progress.stopped(reason))
        self.close()

    def close(self) -> None:
        """Close the record; nothing more will be told."""
        self.learning = False
        if self._recorder is not None:
            self._recorder.close()  # type: ignore[attr-defined]
            self._recorder = None
