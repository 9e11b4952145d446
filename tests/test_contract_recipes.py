"""What every recipe must do, whatever it is: one suite over the whole catalog, on a few examples of its own data."""

import dataclasses
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.catalog import SOURCES
from neurarium.data.dataset import Dataset
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.regression_specs import RandomFeaturesSpec
from neurarium.recipes.catalog import RECIPES
from neurarium.record.config import write_toml
from neurarium.record.events import EpochEnded, Stepped, Stopped
from neurarium.record.run_record import epochs_of, read_record
from neurarium.tasks.task import Context, Trainable
from neurarium.training.checkpoint import load_newest, saved_steps
from neurarium.training.folder import is_finished
from neurarium.training.interrupt import StopRequest
from neurarium.training.loop import steps_per_epoch
from neurarium.training.pretrained import copy_run, pretrained_folder, role_of
from neurarium.training.recipe import Checkpoints, Recipe, recipe_from_plain, recipe_to_plain
from neurarium.training.rules.table import rule_class, rule_name
from neurarium.training.session import Session, create_run_folder, resume, start

from .contract import begin, cut, few, gradients, quiet

DEEP = 30  # layers; deeper nets learn by heart in minutes
EPOCHS_BY_HEART = 150
SLOW_BY_HEART = ("spoken-words", "moving-digits-next", "moving-digits-conv3d")  # 4 to 19 s each

PLANS = {name: dataclasses.replace(make(), threads=1, device="cpu") for name, make in RECIPES.items()}
# its 4,000 features cost seconds and are under no law of their own
PLANS["random-features"] = dataclasses.replace(PLANS["random-features"], net=RandomFeaturesSpec(features=300))
every = pytest.mark.parametrize("recipe", PLANS.values(), ids=PLANS)


def deep(recipe: Recipe) -> bool:
    """Whether a net is so deep that what takes others a second takes it a minute."""
    depth = getattr(recipe.net, "depth", 0)
    return isinstance(depth, int) and depth >= DEEP


def but(slow: Callable[[Recipe], bool]) -> pytest.MarkDecorator:
    """Every recipe, the slow ones in `make test-more`."""
    plans = [pytest.param(plan, marks=pytest.mark.more) if slow(plan) else plan for plan in PLANS.values()]
    return pytest.mark.parametrize("recipe", plans, ids=PLANS)


mostly = but(deep)


def stand_in(recipe: Recipe) -> Dataset:
    return few(recipe, (32, 12, 12))


@every
def test_says_what_it_is_in_a_line(recipe: Recipe) -> None:
    line = (RECIPES[recipe.name].__doc__ or "").splitlines()[0]
    assert 10 < len(line) < 100
    assert line.endswith(".")


@every
def test_bears_its_name_and_names_known_data(recipe: Recipe) -> None:
    assert recipe.name in RECIPES
    assert recipe.data in SOURCES


@every
def test_survives_toml(recipe: Recipe) -> None:
    assert recipe_from_plain(tomllib.loads(write_toml(recipe_to_plain(recipe)))) == recipe


@every
def test_learns_and_counts(recipe: Recipe) -> None:
    session = begin(dataclasses.replace(recipe, epochs=2), stand_in(recipe))
    before = {name: tensor.clone() for name, tensor in session.net.state_dict().items()}
    events = list(session.events())
    assert isinstance(events[-1], Stopped)
    assert len([e for e in events if isinstance(e, EpochEnded)]) == 2 or session.rule.finished
    steps = [e for e in events if isinstance(e, Stepped)]
    assert [e.step for e in steps] == list(range(1, len(steps) + 1))
    assert all(e.gradient_norm > 0 for e in steps) or session.rule.finished
    assert any(not torch.equal(before[name], tensor) for name, tensor in session.net.state_dict().items())
    trained = {name: p for name, p in session.net.named_parameters() if p.requires_grad}
    moved = [name for name, parameter in trained.items() if not torch.equal(before[name], parameter)]
    # as many mistakes on either side leave a threshold where it was; a word that does not occur is not learned
    assert moved == list(trained) or session.rule.finished


@mostly
def test_same_seed_same_weights(recipe: Recipe) -> None:
    data, states = stand_in(recipe), []
    for seed in (0, 0, 1):
        session = begin(dataclasses.replace(recipe, epochs=1, seed=seed), data)
        drawn = {name: t.clone() for name, t in session.net.state_dict().items()}
        list(session.events())
        states.append((drawn, torch.cat([t.flatten().float() for t in session.net.state_dict().values()])))
    (drawn, first), (_, again), (others, other) = states
    assert torch.equal(first, again)
    # a rule that goes to the one optimum forgets where learning began; only what it does not move can differ
    goes_to_the_optimum = "closed-form" in rule_name(recipe)
    fixed = {name for name, p in session.net.named_parameters() if not p.requires_grad} | dict(
        session.net.named_buffers()
    ).keys()
    watched = fixed if goes_to_the_optimum else drawn.keys()
    if any(not torch.equal(drawn[name], others[name]) for name in watched if name in drawn):
        assert not torch.equal(first, other)


@mostly
def test_stopped_inside_it_resumes_to_the_bit(recipe: Recipe, tmp_path: Path) -> None:
    data = few(recipe, (24, 6, 6))
    plan = dataclasses.replace(recipe, epochs=2, batch_size=9, checkpoints=Checkpoints(seconds=1e9))
    below = below_of(plan, data, tmp_path / "below")
    whole = begun(plan, data, tmp_path / "whole", below)
    steps = [event.step for event in whole.events() if isinstance(event, Stepped)]
    at = max(1, len(steps) - 1)
    request = StopRequest()
    for event in begun(plan, data, tmp_path / "cut", below).events(request):
        if isinstance(event, Stepped) and event.step == at:
            request()
    torch.manual_seed(12345)  # whatever happened in between must not matter
    second = resume(tmp_path / "cut", plan, data)
    list(second.events())
    expected = whole.net.state_dict()
    assert all(torch.equal(expected[name], tensor) for name, tensor in second.net.state_dict().items())


@every
@pytest.mark.more
def test_saved_after_every_step_it_resumes_from_each_to_the_bit(recipe: Recipe, tmp_path: Path) -> None:
    """As a kill leaves it: after any update, and after an epoch's end."""
    data = few(recipe, (24, 6, 6))
    always = Checkpoints(seconds=1e-9, steps=1, keep=1000)
    plan = dataclasses.replace(recipe, epochs=2, batch_size=9, checkpoints=always)
    whole = begun(plan, data, tmp_path / "whole", below_of(plan, data, tmp_path / "below"))
    ends = [event for event in whole.events() if isinstance(event, (Stepped, EpochEnded))]
    saved = saved_steps(tmp_path / "whole" / "checkpoints")  # newest first
    assert len(saved) == len(ends)
    expected = {"weights": whole.net.state_dict(), "best": whole.best.state}
    for place, path in enumerate(saved):
        cut = shutil.copytree(tmp_path / "whole", tmp_path / "cut")
        for later in saved[:place]:
            for ending in (".json", ".safetensors"):
                (cut / "checkpoints" / later.name).with_suffix(ending).unlink()
        torch.manual_seed(12345)  # whatever happened in between must not matter
        again = resume(cut, plan, data)
        list(again.events())
        found = {"weights": again.net.state_dict(), "best": again.best.state}
        for kind, state in expected.items():
            assert state.keys() == found[kind].keys()
            assert all(torch.equal(tensor, found[kind][name]) for name, tensor in state.items()), path.name
        records = [epochs_of(read_record(folder / "record.jsonl")) for folder in (tmp_path / "whole", cut)]
        assert [e["epoch"] for e in records[0]] == [e["epoch"] for e in records[1]], path.name
        shutil.rmtree(cut)


RULES_OF_NUMBERS = {rule_name(plan): plan for plan in reversed(PLANS.values())}
del RULES_OF_NUMBERS["storage"]  # what it writes are whole numbers
of_each_rule = pytest.mark.parametrize("recipe", RULES_OF_NUMBERS.values(), ids=RULES_OF_NUMBERS)


@of_each_rule
@pytest.mark.parametrize("place", ["inside", "end of an epoch"])
def test_weights_that_are_not_finite_are_never_saved(recipe: Recipe, place: str, tmp_path: Path) -> None:
    data = few(recipe, (24, 6, 6))
    policy = Checkpoints(seconds=1e9, steps=1 if place == "inside" else None)
    plan = dataclasses.replace(recipe, epochs=2, batch_size=9, checkpoints=policy)
    session = begun(plan, data, tmp_path / "r", below_of(plan, data, tmp_path / "below"))
    step, at = session.rule.step, 2 if place == "inside" else steps_per_epoch(data.train, plan)

    def overflow(*arguments: Any) -> Any:
        update = step(*arguments)
        if session.progress.step + 1 == at:
            with torch.no_grad():
                next(t for t in session.net.state_dict().values() if t.is_floating_point()).flatten()[0] = torch.inf
        return update

    session.rule.step = overflow  # type: ignore[method-assign]
    with pytest.raises(NonFiniteError, match=f"after step {at}: expected finite"):
        list(session.events())
    checkpoint, _ = load_newest(tmp_path / "r" / "checkpoints")
    if place == "inside":
        assert checkpoint is not None
        assert checkpoint.values["progress"]["step"] == 1
        assert all(t.isfinite().all() for n, t in checkpoint.tensors.items() if n.startswith("net/"))
    assert not is_finished(tmp_path / "r")


def below_of(recipe: Recipe, data: Dataset, folder: Path) -> Path | None:
    """The finished run of an epoch on which a recipe stands; none where it stands on none."""
    if not recipe.pretrained:
        return None
    origin = dataclasses.replace(RECIPES[recipe.pretrained](), threads=1, device="cpu", epochs=1)
    list(begun(origin, data, folder, below_of(origin, data, folder.with_name(folder.name + "-below"))).events())
    return folder


def begun(recipe: Recipe, data: Dataset, folder: Path, below: Path | None) -> Session:
    """A fresh run in a folder, on the run below it where it stands on one."""
    if below is None:
        return start(recipe, folder, data)
    create_run_folder(recipe, folder, data)
    copy_run(below, pretrained_folder(folder))
    return resume(folder, recipe, data)


@but(lambda plan: deep(plan) or plan.name in SLOW_BY_HEART)
def test_learns_one_batch_by_heart(recipe: Recipe) -> None:
    """The net of the recipe, with its own optimizer, learns 20 examples by heart, or as much as there is to learn."""
    data = few(recipe, (20, 0, 0))
    changes = {
        "schedule": Schedule(),
        "early_stopping": EarlyStopping(monitor="nothing"),
        "augmentation": Augmentation(),
    }
    plan = dataclasses.replace(recipe, epochs=EPOCHS_BY_HEART, batch_size=20, max_units=None, **changes)
    if role_of(plan) == "teacher":  # one that knows other examples would be in the way
        plan = dataclasses.replace(plan, pretrained="", loss=recipe.loss.without_teacher())
    session = begin(plan, data)
    if not session.task.error_vanishes:
        return
    for module in drawing(session, data):  # what is drawn anew in every step cannot be learned by heart
        module.eval()
        module.train = lambda mode=True, module=module: module  # type: ignore[method-assign,assignment,misc]
    errors, norms = [], []
    for event in session.events():
        if isinstance(event, EpochEnded):
            errors.append(event.train["error"])
            norms.append(event.gradient_norm)
            if errors[-1] <= 0.3 * min(1.0, errors[0]):
                return
    assert session.rule.finished or norms[-1] < 1e-3 * norms[0], errors[:: len(errors) // 10]


def drawing(session: Session, data: Dataset) -> list[nn.Module]:
    """The innermost modules of a net that draw from torch's generator in training."""
    if not isinstance(session.task, Trainable):
        return []
    found: list[nn.Module] = []
    before: dict[nn.Module, torch.Tensor] = {}

    def leave(module: nn.Module, *_: object) -> None:
        drew = not torch.equal(before[module], torch.get_rng_state())
        if drew and not any(inner in found for inner in module.modules()):
            found.append(module)

    hooks = []
    for module in session.net.modules():
        hooks.append(module.register_forward_pre_hook(lambda m, _: before.__setitem__(m, torch.get_rng_state())))
        hooks.append(module.register_forward_hook(leave))
    context = Context(training=True)
    batch = session.task.drawn(data.train.gather(torch.arange(2)), context)
    session.task.forward(session.net.train(), batch, context)
    for hook in hooks:
        hook.remove()
    return found


@mostly
def test_precision_and_parts_are_followed_or_refused(recipe: Recipe) -> None:
    plan = dataclasses.replace(recipe, epochs=1)
    follows = rule_class(rule_name(plan)).follows
    for setting, value in (("precision", "bfloat16"), ("micro_batches", 2)):
        changed = dataclasses.replace(plan, **{setting: value})
        if setting in follows:
            ends = [e for e in begin(changed, stand_in(recipe)).events() if isinstance(e, EpochEnded)]
            assert len(ends) == 1
            assert ends[0].train["loss"] < float("inf")
        else:
            with pytest.raises(ConfigError, match=setting):
                begin(changed, stand_in(recipe))


def in_parts(recipe: Recipe) -> bool:
    """Whether a batch is the sum of its parts: a loss is followed downhill that no statistics of the batch enter."""
    return rule_name(recipe) == "gradient" and not recipe.net.batch_statistics


of_parts = pytest.mark.parametrize("recipe", [p for p in PLANS.values() if in_parts(p)], ids=lambda plan: plan.name)


@of_parts
def test_parts_and_ranks_have_the_same_gradient(recipe: Recipe) -> None:
    """A batch is its examples one by one, three ragged parts, and parts on two ranks: loss and gradients."""
    data = few(recipe, (7, 0, 0))
    session = begin(recipe, data)
    assert isinstance(session.task, Trainable)
    count = len(data.train)
    (batch,) = cut(data.train, (count,))
    for helper in vars(session.task).values():
        if isinstance(helper, nn.Module):
            helper.double()
    net = quiet(session.net.double(), session.task, batch)
    whole, expected = gradients(net, session.task, [batch])
    size = max(float(g.abs().max()) for g in expected.values())
    for sizes, ranks in (((1,) * count, 1), ((count - 3, 2, 1), 1), ((count // 2, count - count // 2), 2)):
        loss, found = gradients(net, session.task, list(cut(data.train, sizes)), ranks)
        torch.testing.assert_close(loss, whole, rtol=1e-6, atol=1e-9)
        for key, gradient in expected.items():
            torch.testing.assert_close(found[key], gradient, rtol=1e-6, atol=1e-6 * size)


@of_parts
def test_a_run_in_parts_makes_the_same_step(recipe: Recipe) -> None:
    """A run that accumulates gradients moves the weights where one on whole batches does, to rounding of float32."""
    plan = dataclasses.replace(recipe, epochs=1, batch_size=7, augmentation=Augmentation(), precision="float32")
    data, norms = few(recipe, (7, 0, 0)), []
    for parts in (1, 3):
        session = begin(dataclasses.replace(plan, micro_batches=parts), data)
        still = session.net.eval()
        session.net.train = lambda mode=True, net=still: net  # type: ignore[method-assign,assignment,misc]
        norms.append([e.gradient_norm for e in session.events() if isinstance(e, Stepped)])
    assert norms[1] == pytest.approx(norms[0], rel=1e-4)
