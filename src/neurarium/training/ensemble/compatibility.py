"""Whether the seeds of a recipe can be trained vmap, and whether it pays."""

import copy
import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor, nn, optim
from torch.func import grad, vmap

from neurarium.checks import ConfigError
from neurarium.data.table import Table
from neurarium.tasks.task import Trainable
from neurarium.training.ensemble.stack import scores_of
from neurarium.training.rules.gradient import GradientRule
from neurarium.training.seed import own_generators
from neurarium.training.session import Session

# Algorithms that treat every number of a tensor by itself, so that a row of a stack fares as it would alone.
ELEMENTWISE = {optim.SGD, optim.Adagrad, optim.Adadelta, optim.RMSprop, optim.Adam, optim.AdamW}
# Multiply-adds of one net's forward pass over a batch up to which calling the operations costs more than they do.
MOST_WORK = {"cpu": 1 << 21, "cuda": 1 << 27}


def check_alike(sessions: Sequence[Session]) -> None:
    """Raise ConfigError unless all are one recipe under several seeds, equally far."""
    first = sessions[0].recipe
    for session in sessions[1:]:
        if dataclasses.replace(session.recipe, seed=first.seed) != first:
            fields = [f.name for f in dataclasses.fields(first) if f.name != "seed"]
            other = [name for name in fields if getattr(session.recipe, name) != getattr(first, name)]
            raise ConfigError(
                "runs trained together",
                expected="one recipe under several seeds",
                got=f"recipes that differ in {', '.join(other)}",
                remedy="make them cells of their own",
            )
    steps = {(session.progress.step, session.progress.epoch) for session in sessions}
    assert len(steps) == 1, "runs that are trained together stand at the same step"


def why_not(session: Session) -> str:
    """Say why a run cannot be trained together with its like; empty where it can."""
    recipe, rule = session.recipe, session.rule
    if type(rule) is not GradientRule:
        return "its learning rule is not the plain gradient rule"
    if len(rule.optimizers) != 1 or len(rule.optimizers[0].param_groups) != 1:
        return "its weights fall into groups that learn in different ways"
    if type(rule.optimizers[0]) not in ELEMENTWISE:
        return f"the optimizer {recipe.optimizer.name} does not treat every weight by itself"
    kind = type(rule.task)
    if rule.task.uses_gradient or (kind.forward, kind.drawn) != (Trainable.forward, Trainable.drawn):
        return f"the task {rule.task.name} calls the net in a way of its own"
    if recipe.schedule.name == "plateau":
        return "a plateau schedule gives each seed a rate of its own"
    if recipe.augmentation.active:
        return "augmentation transforms each run's batches by itself"
    if recipe.micro_batches > 1 or recipe.compile or recipe.precision != "float32":
        return "batches in parts, compiled nets and bfloat16 are for large nets"
    if recipe.checkpoints.steps is not None:
        return "checkpoints are asked for between epochs"
    if recipe.max_units is not None:
        return "batches are made by the lengths of the examples"
    if not all(isinstance(part, Table) for part in (session.dataset.train, session.dataset.validation)):
        return "the examples do not lie in memory whole, all of one shape"
    return _hindrance_of_net(session, rule.task)


def worthwhile(session: Session) -> bool:
    """Whether it is likely to be faster: a small net of fully connected layers."""
    holders = [m for m in session.net.modules() if next(m.parameters(recurse=False), None) is not None]
    dense = all(isinstance(m, nn.Linear) for m in holders)
    weights = sum(p.numel() for p in session.net.parameters())
    return dense and weights * session.recipe.batch_size <= MOST_WORK.get(session.device_config.device.type, 0)


def _hindrance_of_net(session: Session, task: Trainable) -> str:
    """Try two members on two examples: can vmap take the net, and does a forward pass change its buffers?"""
    train, device = session.dataset.train, session.device_config.device
    with own_generators():
        net = copy.deepcopy(session.net).train()
        batch = train.gather(torch.arange(2, device=device) % len(train))
        before = {name: buffer.clone() for name, buffer in net.named_buffers()}
        trained = {name: torch.stack([p.detach()] * 2) for name, p in net.named_parameters() if p.requires_grad}

        def loss(weights: dict[str, Tensor]) -> Tensor:
            return scores_of(task, net, weights, batch.inputs, batch.targets)[0].sum()

        try:
            with torch.no_grad():
                net(*batch.inputs)
                changed = [name for name, buffer in net.named_buffers() if not torch.equal(buffer, before[name])]
                if changed:
                    return f"its layers keep running statistics ({changed[0]})"
                vmap(grad(loss), randomness="different")(trained)
        except (RuntimeError, ValueError, NotImplementedError) as error:
            return f"vmap cannot take the net ({str(error).splitlines()[0]})"
    return ""
