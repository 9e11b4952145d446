import torch

from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.table import Table
from neurarium.nets.recurrent.clip_specs import ConvLSTMSpec
from neurarium.record.schema import Field, Schema
from neurarium.report.figures.continuations import FIGURE, copied, straight_on

from .conftest import MakeRun


def clips(target: tuple[int, ...] = (2, 1, 8, 8)) -> Dataset:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (20, 3, 1, 8, 8), dtype=torch.uint8, generator=generator)
    y = 255 * torch.rand(20, *target, generator=generator)
    schema = Schema({"clip": Field((3, 1, 8, 8))}, {"next": Field(target)})
    return assemble("clips", {"train": Table((x,), (y,), schema)}, provenance="here")


def test_what_the_net_is_held_against() -> None:
    given = torch.tensor([1.0, 5.0, 8.0]).view(1, 3, 1, 1, 1)
    assert copied(given, 2).flatten().tolist() == [8, 8]
    assert straight_on(given, 3).flatten().tolist() == [11, 14, 17]


def test_frames_given_foreseen_and_true_and_errors_over_them(fresh: MakeRun) -> None:
    data, spec = clips(), ConvLSTMSpec(hidden=(2,))
    run = fresh(spec, data)
    scores = run.evaluate(data, "train")
    assert FIGURE.applies(run, data, scores)
    figure = FIGURE.draw(run, data, "train", scores)
    names = [text.get_text() for axes in figure.axes for text in axes.texts if "clip" in text.get_text()]
    assert names == [f"clip {k}, {what}" for k in (1, 2, 3) for what in ("true", "continued")]
    said = figure._suptitle.get_text() if figure._suptitle else " ".join(text.get_text() for text in figure.texts)
    own = (sum(metric.value**2 for metric in scores.metrics if metric.name.startswith("RMSE")) / 2) ** 0.5
    assert f"RMSE {own:.3g};" in said


def test_other_nets_and_other_targets_have_no_such_figure(fresh: MakeRun) -> None:
    assert not FIGURE.applies(fresh(ConvLSTMSpec(), clips((2, 1, 4, 4))), clips((2, 1, 4, 4)), None)
    data = clips((3,))
    run = fresh(ConvLSTMSpec(hidden=(2,)), data)
    assert not FIGURE.applies(run, data, run.evaluate(data, "train"))
