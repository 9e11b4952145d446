"""Train several seeds of a recipe in one batched computation, and leave what each would have left alone.

Every member starts from the weights that its seed gives, sees the batches that its seed draws, stops early by its own
score and goes back to its own best weights; its record, checkpoints and weights lie in its own folder. Sums are taken
in another order than in a single run, so numbers agree to rounding. Dropout draws for all members from one generator:
there a member is a run like the single one, not the same. The seconds of a member are its fraction of the group's.

A member that has stopped is carried along in the computation, unread, until half of them have: to rebuild costs more.
"""

import math
import operator
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from neurarium.checks import NonFiniteError
from neurarium.data.batch import Batch
from neurarium.data.plan import batch_count, in_order, permutation
from neurarium.learning.optimizers import ParameterGroup
from neurarium.record.events import Event, Notice, Scores
from neurarium.tasks.model import EVALUATION_BATCH
from neurarium.tasks.task import Context
from neurarium.training.diagnosis import first_non_finite
from neurarium.training.ensemble.compatibility import check_alike
from neurarium.training.ensemble.member import Member, Told
from neurarium.training.ensemble.stack import Stack
from neurarium.training.interrupt import StopRequest
from neurarium.training.loop import means_of, started
from neurarium.training.rules.gradient import not_finite
from neurarium.training.rules.rule import Sums, Update
from neurarium.training.seed import restore_generators
from neurarium.training.session import Session

Outcome = tuple[Session, Event | NonFiniteError]


def train_ensemble(sessions: Sequence[Session], stop: StopRequest | None = None) -> Iterator[Outcome]:
    """Train the sessions, all of them standing at the same step of one recipe under several seeds.

    Args:
        sessions: as `session.prepare`, `start` or `resume` makes them; `suits.why_not` finds none.
        stop: a request is seen at the next step; the members save what they have.
    Yields the session and what happened to it: the events of its run, each epoch's at the epoch's end; for a run that
    diverged at last the error instead of `Stopped`, the others going on.
    Raises ConfigError: recipes that differ in more than the seed; StorageError: the disk does not take a file.
    """
    check_alike(sessions)
    group = _Group(sessions, stop or StopRequest())
    try:
        yield from group.learn()
    finally:
        group.close()


class _Group:
    """Members under way, and the stack that computes for them."""

    def __init__(self, sessions: Sequence[Session], stop: StopRequest) -> None:
        first = sessions[0]
        for session in sessions[1:]:
            session.dataset = first.dataset  # the same examples: one copy of them is enough
        self.recipe, self.device_config, self.train = first.recipe, first.device_config, first.dataset.train
        self.validation = first.dataset.validation
        self.steps = batch_count(len(self.train), self.recipe.batch_size)
        self.factor = self.recipe.schedule.factor(self.recipe.epochs * self.steps)
        self.stop = stop
        self.members = [Member(session) for session in sessions]
        self.stack = self._stacked()
        restore_generators(first.generators)
        self.clock = time.perf_counter()

    def learn(self) -> Iterator[Outcome]:
        """Epoch after epoch until no member is left."""
        seeds = ", ".join(str(member.session.recipe.seed) for member in self.members)
        for member in self.members:
            step, task = member.session.progress.step, member.rule.task.name
            yield from member.tell(started(member.rule, self.recipe, self.device_config, self.steps, step, task))
            told = [*member.session.notices, f"trained together in one batched computation: seeds {seeds}"]
            for text in told:
                yield from member.tell(Notice(text))
        yield from self._leave_where_done()
        while any(member.learning for member in self.members):
            if sum(member.learning for member in self.members) <= len(self.members) // 2:
                for k, _ in self._learning():
                    self.stack.hand_back(k)
                self.members = [member for member in self.members if member.learning]
                self.stack = self._stacked()
            yield from self._epoch()
            if self.stop.requested and any(member.learning for member in self.members):
                for k, member in self._learning():
                    self.stack.release(k)
                    yield from self._unless_lost(k, member, member.stopped("interrupted"))
                return
            yield from self._leave_where_done()

    def close(self) -> None:
        """Close the records."""
        for member in self.members:
            member.close()

    def _stacked(self) -> Stack:
        for member in self.members:
            member.session.net.train()
        rules = [member.rule for member in self.members]
        return Stack(
            [rule.net for rule in rules],
            [rule.optimizers[0] for rule in rules],
            rules[0].task,
            lambda rows: self.recipe.optimizer.build([ParameterGroup(tuple(rows))])[0],
        )

    def _epoch(self) -> Iterator[Outcome]:
        """The rest of the epoch under way, its measurement, and the news of it."""
        at = self._newest().session.progress
        epoch, position, size = at.epoch, at.position, self.recipe.batch_size
        order = torch.stack(
            [permutation(len(self.train), seed=m.session.recipe.seed, epoch=epoch) for m in self.members]
        )
        order = order.to(self.train.device)
        for start in range(position * size, len(self.train), size):
            yield from self._step(order[:, start : start + size])
            if self.stop.requested:
                break
        self._share_time()
        for _, member in self._learning():
            yield from member.report_steps()
        if self._newest().session.progress.position == self.steps:
            scores = self._measure()
            self._share_time()
            for k, member in self._learning():
                yield from self._unless_lost(k, member, member.end_epoch(scores[k]))
            yield from self._save_where_due()

    def _step(self, chosen: Tensor) -> Iterator[Outcome]:
        """One update of every member on the examples that its row of `chosen` (members, batch) numbers."""
        members, size = chosen.shape
        batch = self.train.gather(chosen.flatten())
        each = batch.map(lambda tensor: tensor.view(members, size, *tensor.shape[1:]))
        full = size == self.recipe.batch_size
        uses = self.recipe.epochs * (self.steps - 1 if full else 1)
        losses, errors, counts = self.stack.gradients(each.inputs, each.targets, uses)
        norms = self.stack.gradient_norms()
        step = self._newest().session.progress.step
        rate = self.recipe.optimizer.lr * self.factor(step)
        rows = torch.stack([t.double() for t in (losses, errors, norms, counts)], 1).tolist()
        for k, member in self._learning():
            loss, wrong, norm, count = rows[k]
            update = Update(loss, wrong, norm, rate, count)
            if math.isfinite(update.loss + update.gradient_norm):
                member.take(update)
            else:
                yield from self._diverge(k, replace(each.map(operator.itemgetter(k)), size=size), update)
        self._clip(norms)
        for group in self.stack.optimizer.param_groups:
            group["lr"] = rate
        self.stack.optimizer.step()

    def _clip(self, norms: Tensor) -> None:
        """Shorten the gradients that are longer than the recipe allows, each member's by itself."""
        limit, gradient = self.recipe.clip_norm, self.stack.rows.grad
        if limit is not None and gradient is not None:
            gradient.mul_(torch.where(norms > limit, limit / norms, 1.0)[:, None])

    def _measure(self) -> list[Scores]:
        """Loss and error rate of every member on the validation data; empty where there are none."""
        if len(self.validation) == 0:
            return [{} for _ in self.members]
        measured: list[list[Sums]] = [[] for _ in self.members]
        for batch in in_order(self.validation, EVALUATION_BATCH):
            batch = batch.to(self.device_config.device)
            found = self.stack.measure(batch.inputs, batch.targets, self.recipe.epochs)
            terms, errors, counts = (tensor.double().tolist() for tensor in found)
            for k, sums in enumerate(measured):
                sums.append(Sums(tuple(terms[k]), errors[k], tuple(counts[k])))
        return [means_of(sums) for sums in measured]

    def _diverge(self, k: int, batch: Batch, update: Update) -> Iterator[Outcome]:
        """Let a member go whose numbers are no longer finite, before its update."""
        member = self.members[k]
        self.stack.release(k)
        self._share_time()
        yield from member.report_steps()
        progress = member.session.progress
        context = Context(member.session.recipe.seed, progress.epoch, progress.step, training=True)
        where = first_non_finite(member.rule.net, member.rule.task, batch, self.device_config, context)
        member.close()
        yield member.session, not_finite(where, progress.step, update)

    def _unless_lost(self, k: int, member: Member, told: Iterator[Told]) -> Iterator[Outcome]:
        """Pass on what a member tells, or let it go where its weights or scores are no longer finite."""
        try:
            yield from told
        except NonFiniteError as error:
            self.stack.release(k)
            member.close()
            yield member.session, error

    def _leave_where_done(self) -> Iterator[Outcome]:
        """Finish the members that have done all epochs or run out of patience."""
        patience = self.recipe.early_stopping.patience
        for k, member in self._learning():
            progress = member.session.progress
            over = progress.epoch > self.recipe.epochs
            if over or progress.best.exhausted(patience):
                self.stack.release(k)
                yield from member.stopped("finished" if over else "early")

    def _save_where_due(self) -> Iterator[Outcome]:
        for k, member in self._learning():
            if member.save_is_due():
                self.stack.hand_back(k)
                yield from member.save()

    def _share_time(self) -> None:
        """Divide the time since the last call among the members under way."""
        now = time.perf_counter()
        learning = list(self._learning())
        for _, member in learning:
            member.session.progress.seconds += (now - self.clock) / len(learning)
        self.clock = now

    def _learning(self) -> Iterator[tuple[int, Member]]:
        """Row and member of those under way."""
        return ((k, member) for k, member in enumerate(self.members) if member.learning)

    def _newest(self) -> Member:
        """Any member under way: all of them stand at the same step."""
        return next((member for member in self.members if member.learning), self.members[0])
