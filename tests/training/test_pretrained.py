import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import special

from neurarium.checks import ConfigError, RunError
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields
from neurarium.data.scaling import Scaling
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.feedforward.linear_probe_spec import LinearProbeSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import GANSpec
from neurarium.record.events import EpochEnded, Stepped
from neurarium.record.schema import Field, Schema
from neurarium.tasks.generation import Generation
from neurarium.tasks.table import task_of
from neurarium.training.device import DeviceConfig
from neurarium.training.folder import is_finished
from neurarium.training.interrupt import StopRequest
from neurarium.training.pretrained import Pretrained, check_need, copy_run, pretrained_folder, read_pretrained, role_of
from neurarium.training.recipe import Checkpoints, Recipe
from neurarium.training.run import load_run
from neurarium.training.session import build_session, resume, start

from ..conftest import make_toy

COMMON = {
    "optimizer": Optimizer("adam", lr=0.01),
    "epochs": 3,
    "batch_size": 20,
    "threads": 1,
    "checkpoints": Checkpoints(seconds=1e9),
}
TEACHER = Recipe(name="teacher", net=MLPSpec(hidden=(16, 5)), **COMMON)
STUDENT = Recipe(
    name="student",
    net=MLPSpec(hidden=(4,), dropout=0.3),
    pretrained="teacher",
    loss=Loss("distillation", temperature=3.0, alpha=0.8),
    **COMMON,
)
PROBE = Recipe(name="probe", net=LinearProbeSpec("relu2"), pretrained="teacher", **COMMON)


@pytest.fixture
def teacher(vectors: Dataset, tmp_path: Path) -> Path:
    list(start(TEACHER, tmp_path / "teacher", vectors).events())
    return tmp_path / "teacher"


def raw_of(data: Dataset, part: str) -> torch.Tensor:
    return next(iter(getattr(data, part).pieces("features")))


def seen(data: Dataset, part: str) -> torch.Tensor:
    """Standardized by hand."""
    field = data.schema.input
    return (raw_of(data, part).float() - torch.tensor(field.mean)) / torch.tensor(field.std)


def weights(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: t.clone() for name, t in net.state_dict().items()}


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_pretrained_answers_as_the_run(teacher: Path, vectors: Dataset) -> None:
    pretrained, run = read_pretrained(teacher), load_run(teacher)
    x = seen(vectors, "test")
    assert torch.equal(pretrained.net.eval()(x), run.net(x))
    assert (pretrained.name, pretrained.schema) == ("teacher", vectors.schema)
    assert pretrained.scaled_as(vectors.schema.input) is pretrained.net


def test_another_scaling_is_undone(teacher: Path, vectors: Dataset) -> None:
    """The same raw examples get the same answers, however the new data set scales them."""
    pretrained = read_pretrained(teacher)
    other = Scaling(tuple(float(k) for k in range(12)), tuple(1.0 + k for k in range(12)))
    raw = raw_of(vectors, "test")
    for scaling, x in ((other.field(vectors.schema.input), other.apply(raw)), (Field((12,)), raw.float())):
        rescaled = pretrained.scaled_as(scaling)
        torch.testing.assert_close(rescaled(x), pretrained.net(seen(vectors, "test")), rtol=1e-4, atol=1e-4)


def test_scaling_of_images_is_undone_channel_by_channel() -> None:
    net = torch.nn.Flatten()
    own, other = (Scaling(*pair, trailing=2) for pair in (((3.0, 4.0), (2.0, 5.0)), ((1.0, -1.0), (4.0, 0.5))))
    raw = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    field = Field((2, 4, 4))
    pretrained = Pretrained("s", net, Schema({"image": own.field(field)}, class_fields(["a", "b"])))
    torch.testing.assert_close(pretrained.scaled_as(other.field(field))(other.apply(raw)), net(own.apply(raw)))


def test_measured_loss_is_the_mixture_by_numpy(teacher: Path, vectors: Dataset) -> None:
    pretrained = read_pretrained(teacher)
    session = build_session(replace(STUDENT, epochs=1), vectors, pretrained=pretrained)
    end = next(e for e in session.events() if isinstance(e, EpochEnded))
    x, t = seen(vectors, "validation"), vectors.validation.target("label")
    with torch.no_grad():
        g, f = session.net.eval()(x).double().numpy(), pretrained.net.eval()(x).double().numpy()
    soft = -9 * (special.softmax(f / 3, axis=1) * special.log_softmax(g / 3, axis=1)).sum(1).mean()
    hard = -special.log_softmax(g, axis=1)[np.arange(30), t].mean()
    assert end.validation["loss"] == pytest.approx(0.8 * soft + 0.2 * hard, rel=1e-4)


def test_student_becomes_the_teacher(vectors: Dataset) -> None:
    """With labels that say nothing the teacher alone is what there is to learn from."""
    teacher = build_session(replace(TEACHER, epochs=10), vectors)
    list(teacher.events())
    pretrained = Pretrained("teacher", teacher.net.eval(), vectors.schema)
    generator = torch.Generator().manual_seed(0)
    shuffled = vectors.train.target("label")[torch.randperm(90, generator=generator)]
    blind = replace(vectors, train=replace(vectors.train, targets=(shuffled,)))
    plan = replace(STUDENT, net=MLPSpec(hidden=(16,)), loss=Loss("distillation"), epochs=15)
    student = build_session(plan, blind, pretrained=pretrained)
    errors = [e.validation["error"] for e in student.events() if isinstance(e, EpochEnded)]
    assert min(errors) < 0.2  # chance: 2/3


def test_teacher_and_trunk_stand_still(teacher: Path, vectors: Dataset) -> None:
    pretrained = read_pretrained(teacher)
    before = weights(pretrained.net)
    for plan in (STUDENT, PROBE):
        session = build_session(plan, vectors, pretrained=pretrained)
        list(session.events())
        assert_same(weights(pretrained.net), before)
    trunk = {n: t for n, t in weights(session.net).items() if n.startswith("trunk.")}
    assert all(torch.equal(t, before[n.removeprefix("trunk.")]) for n, t in trunk.items())
    assert set(session.net.state_dict()) - set(trunk) == {"output.weight", "output.bias"}


@pytest.mark.parametrize("plan", [STUDENT, PROBE], ids=["student", "probe"])
def test_run_loads_without_the_original(plan: Recipe, teacher: Path, vectors: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / plan.name
    copy_run(teacher, pretrained_folder(folder))
    session = start(plan, folder, vectors)
    list(session.events())
    shutil.rmtree(teacher)
    run = load_run(folder)
    x = seen(vectors, "test")
    assert torch.equal(run.net(x), session.net.eval()(x))
    found = run.evaluate(vectors)
    chosen = run.predict(raw_of(vectors, "test")).probabilities[np.arange(30), vectors.test.target("label")]
    assert found.loss == pytest.approx(-np.log(chosen).mean(), rel=1e-4)  # of the labels, without a teacher


@pytest.mark.parametrize("plan", [STUDENT, PROBE], ids=["student", "probe"])
def test_resume_is_bit_exact(plan: Recipe, teacher: Path, vectors: Dataset, tmp_path: Path) -> None:
    for name in ("whole", "cut"):
        copy_run(teacher, pretrained_folder(tmp_path / name))
    whole = start(plan, tmp_path / "whole", vectors)
    list(whole.events())
    request, first = StopRequest(), start(plan, tmp_path / "cut", vectors)
    for event in first.events(request):
        if isinstance(event, Stepped) and event.step == 7:
            request()
    second = resume(tmp_path / "cut", plan, vectors)
    list(second.events())
    assert_same(weights(whole.net), weights(second.net))


def test_copy_holds_what_is_needed_and_what_it_stands_on(teacher: Path, vectors: Dataset, tmp_path: Path) -> None:
    copy_run(teacher, pretrained_folder(tmp_path / "probe"))
    list(start(PROBE, tmp_path / "probe", vectors).events())
    copy_run(tmp_path / "probe", tmp_path / "copy")
    files = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    own = {"config.toml", "data.json", "record.jsonl", "weights.safetensors", "weights.json"}
    assert files == own | {f"pretrained/{name}" for name in own}
    shutil.rmtree(tmp_path / "probe")
    x = torch.zeros(1, 12)
    assert read_pretrained(tmp_path / "copy").net(x).shape == (1, 3)


def test_unfinished_pretrained(vectors: Dataset, tmp_path: Path) -> None:
    start(TEACHER, tmp_path / "begun", vectors)
    for use in (read_pretrained, lambda folder: copy_run(folder, tmp_path / "x")):
        with pytest.raises(RunError, match=r"finished run to stand on.*neurarium resume"):
            use(tmp_path / "begun")
    with pytest.raises(RunError, match="no such folder"):
        read_pretrained(tmp_path / "absent")
    assert not is_finished(tmp_path / "x")


def test_pretrained_of_other_data(teacher: Path, vectors: Dataset) -> None:
    pretrained = read_pretrained(teacher)
    with pytest.raises(ConfigError, match=r"pretrained teacher: expected examples of shape \(7,\), got shape \(12,\)"):
        build_session(PROBE, make_toy((7,), 3, (30, 10, 10)), pretrained=pretrained)
    more = make_toy((12,), 4, (40, 12, 12))
    with pytest.raises(ConfigError, match="teacher of the classes class 0, class 1, class 2, class 3"):
        build_session(STUDENT, more, pretrained=pretrained)
    # features may serve other classes than those that they were learned for
    assert build_session(PROBE, more, pretrained=pretrained).net.output.out_features == 4


def test_pretrained_that_is_missing_or_of_no_use(vectors: Dataset) -> None:
    with pytest.raises(ConfigError, match="pretrained: expected the run that the loss distillation stands on"):
        build_session(replace(STUDENT, pretrained=""), vectors)
    with pytest.raises(ConfigError, match="pretrained: expected the run that the net linear-probe stands on"):
        check_need(replace(PROBE, pretrained=""))
    with pytest.raises(ConfigError, match=r"expected none.*got 'teacher'"):
        build_session(replace(TEACHER, pretrained="teacher"), vectors)


def test_unknown_layer(teacher: Path, vectors: Dataset) -> None:
    with pytest.raises(ConfigError, match=r"net\.layer.*did you mean relu2"):
        build_session(replace(PROBE, net=LinearProbeSpec("rely2")), vectors, pretrained=read_pretrained(teacher))


def test_a_judge_sees_what_it_learned_from(vectors: Dataset) -> None:
    """A generator's examples in its own units are brought to those of the judge."""
    torch.manual_seed(0)
    eye = torch.nn.Sequential(torch.nn.Linear(12, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
    other = Scaling.fit(raw_of(make_toy((12,), 3, (40, 0, 0), seed=9), "train"))
    schema = vectors.schema.with_fields(features=other.field(vectors.schema.input))
    pretrained = Pretrained("lenet", eye, schema)
    plan = Recipe(net=GANSpec(latent_dim=2, hidden=(8,)), pretrained="lenet")
    assert role_of(plan) == "judge"
    helpers = pretrained.helpers(plan, vectors.schema, DeviceConfig(torch.device("cpu")))
    (judge,) = helpers.values()
    assert (set(helpers), judge.title) == ({"judge"}, "lenet")
    made = torch.randn(7, 12, generator=torch.Generator().manual_seed(0))
    field = vectors.schema.input
    raw = made.double().numpy() * np.array(field.std) + np.array(field.mean)
    expected = eye(torch.from_numpy((raw - np.array(other.mean)) / np.array(other.std)).float())
    torch.testing.assert_close(judge(made), expected, rtol=1e-4, atol=1e-5)
    task = task_of(plan, vectors.schema, helpers=helpers)
    assert isinstance(task, Generation)
    assert task.judge is judge
    # it is welcome, not needed
    check_need(replace(plan, pretrained=""))
    assert task_of(replace(plan, pretrained=""), vectors.schema).judge is None  # type: ignore[attr-defined]


def test_a_distillation_asked_for_by_name(teacher: Path, vectors: Dataset, tmp_path: Path) -> None:
    """The task distillation with the plain loss: the teacher alone, and labels when it is measured."""
    plan = replace(STUDENT, task="distillation", loss=Loss(), epochs=1)
    assert role_of(plan) == "teacher"
    copy_run(teacher, pretrained_folder(tmp_path / "student"))
    events = list(start(plan, tmp_path / "student", vectors).events())
    run = load_run(tmp_path / "student")
    chosen = run.predict(raw_of(vectors, "test")).probabilities[np.arange(30), vectors.test.target("label")]
    assert run.evaluate(vectors).loss == pytest.approx(-np.log(chosen).mean(), rel=1e-4)
    # the teacher's entropy, which no student goes below: other than the loss of the labels
    (end,) = (e for e in events if isinstance(e, EpochEnded))
    x = seen(vectors, "validation")
    f, g = (net(x).detach().double().numpy() for net in (read_pretrained(teacher).net.eval(), run.net))
    expected = -(special.softmax(f, axis=1) * special.log_softmax(g, axis=1)).sum(1).mean()
    assert end.validation["loss"] == pytest.approx(expected, rel=1e-4)
