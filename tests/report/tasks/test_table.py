"""Every task has a report, and what it says is whole."""

from pathlib import Path
from typing import Any

import pytest
import torch
from markupsafe import Markup

from neurarium.data.dataset import Dataset
from neurarium.nets.generative.specs import AutoencoderSpec
from neurarium.record.schema import Schema, image_schema
from neurarium.report.curves import curves_figure
from neurarium.report.page import write_report
from neurarium.report.render import Section
from neurarium.report.tasks import classification, plain
from neurarium.report.tasks.table import TASK_REPORTS, report_of
from neurarium.report.tasks.task_report import TaskReport
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.table import TASKS
from neurarium.training.data_info import DataInfo
from neurarium.training.device import find_device
from neurarium.training.recipe import Recipe
from neurarium.training.run import Run

METRIC = Metric("PSNR", 18.25, "ratio of it", "dB", baseline=16.5, against="three components")
DETAILS: dict[str, dict[str, Any]] = {
    "language-model": {"tokens": 4096},
    "translation": {"answers": []},
    "transcription": {"answers": []},
}


def scores(task: str, *metrics: Metric, examples: int = 50, **details: Any) -> dict[str, Any]:
    """As `scores.json` holds them."""
    return Scores(task, "test", "toy", examples, None, metrics, details).to_plain()


def nothing(name: str) -> bytes | None:
    return None


def shown(task: str, found: dict[str, Any]) -> dict[str, str]:
    """HTML of the task's own sections, by the words of their links."""
    return {section.link: section.body for section in report_of(task).sections(found, nothing) if section}


def test_every_task_has_a_report() -> None:
    assert TASK_REPORTS.keys() == TASKS.keys()


@pytest.mark.parametrize("task", [*TASKS, "custom", "somebody's own"])
def test_its_words_are_whole(task: str, made: Any) -> None:
    report = report_of(task)
    assert isinstance(report, TaskReport)
    told = report.learned.format(classes=3, inputs="images", names="price")
    assert "{" not in told
    assert "images" in told
    assert report.axis
    assert report.error[0].isupper()
    assert not report.error.endswith(".")
    for line in report.usage(Path("runs/x"), image_schema()):
        assert line[0].endswith(":")
        assert line[1].startswith("neurarium ")
        assert "runs/x" in line[1]


@pytest.mark.parametrize("task", TASKS)
def test_a_result_is_told_in_every_place(task: str, made: Any) -> None:
    if report_of(task) is classification.REPORT:
        found = made.scores(made.digits, 500, 0.968).to_plain()
    else:
        found = scores(task, METRIC, **DETAILS.get(task, {}))
    report = report_of(task)
    for told in (report.headline(found).replace("\xa0", " "), " ".join(report.sentences(found)), report.outcome(found)):
        assert "18.25 dB" in told or "96.8" in told or "0.9680" in told
    assert shown(task, found)
    assert report.measured_on(found).startswith(("50 test", "500 test", "4,096 test", "the 50 stored"))


@pytest.mark.parametrize("task", ["custom", "somebody's own"])
def test_a_task_of_which_nothing_is_known_shows_its_metrics(task: str) -> None:
    report = report_of(task)
    assert report is plain.REPORT
    assert list(shown(task, scores(task, METRIC))) == ["Scores"]
    assert report.usage(Path("runs/x"), image_schema()) == []


def test_a_memory_is_told_by_what_it_stored() -> None:
    report, held = report_of("recall"), scores("recall", METRIC)
    assert report.sentences(held)[0].startswith("Measured on the 50 stored examples: PSNR")
    assert "Measured on the 50 stored examples of toy." in shown("recall", held)["Scores"]
    assert report.measured_on(scores("recall", METRIC, examples=1)) == "the 1 stored example"
    pages = (report.headline(held), shown("recall", held)["Scores"], report.outcome(held))
    assert not any("test" in page for page in pages)


def test_a_language_model_is_told_by_its_tokens() -> None:
    report, found = report_of("language-model"), scores("language-model", METRIC, tokens=4096)
    assert report.outcome(found).startswith("Measured on 4,096 test tokens: PSNR")
    assert "Measured on 4,096 test tokens of toy." in shown("language-model", found)["Scores"]
    assert "on 4,096 test tokens" in report.headline(found)


def test_what_nobody_has_judged_says_how_it_could_be() -> None:
    report, found = report_of("generation"), scores("generation")
    assert "--pretrained" in report.outcome(found)
    assert report.sentences(found) == [report.outcome(found)]
    assert report.headline(found) == ""
    assert shown("generation", found) == {}
    assert report.outcome(scores("generation", METRIC)).startswith("Measured on")


def test_answers_of_a_translation_are_listed() -> None:
    answers = [{"said": "a <b>", "truth": "a <b>"}, {"said": "c", "truth": "d"}]
    page = shown("translation", scores("translation", METRIC, answers=answers))["Answers"]
    rows = page.split("<tr>")[2:]
    assert [row.count("right") for row in rows] == [1, 0]
    assert [row.count("wrong") for row in rows] == [0, 1]
    assert rows[0].count("a &lt;b&gt;") == 2
    assert "<b>" not in page
    assert "The first 2 answers of the test data" in page


def test_a_report_of_ones_own_enters_by_a_file_and_a_line_in_the_table(
    made: Any, run_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = TaskReport(
        "learned {classes} tricks from {inputs}",
        "tricks not done in %",
        "Fraction of tricks not done",
        "run.trick()",
        headline=lambda found: Markup(f"<b>{found['examples']} tricks</b>"),
        sections=lambda found, figures: [Section("tricks", "Tricks", "Its tricks", "<none yet>"), None],
        sentences=lambda found: ["It did its tricks."],
        usage=lambda folder, schema: [("Trick:", f"trick {folder.name}")],
    )
    monkeypatch.setitem(TASK_REPORTS, "my-own", report)
    own = Scores("my-own", "test", "toy", 7, None, (METRIC,))
    page = write_report(run_folder(events=made.events(3, task="my-own"), scores=own)).read_text()
    for words in (
        "learned 10 tricks from images", "<b>7 tricks</b>", "It did its tricks.", '<section id="tricks">',
        "<h2>Its tricks</h2>\n&lt;none yet&gt;",
        '<a href="#tricks">Tricks</a>', "trick lenet5-1", "run.trick()", "Fraction of tricks not done",
    ):  # fmt: skip
        assert words in page, words
    error = curves_figure(made.entries(made.events(3, task="my-own")), "x").axes[1]
    assert error.get_ylabel().startswith("tricks not done in %")


@pytest.mark.parametrize("task", ["reconstruction", "recall"])
def test_what_to_type_in_python_works(task: str, images: Dataset, tmp_path: Path) -> None:
    torch.manual_seed(0)
    spec = AutoencoderSpec(latent_dim=3, hidden=())
    info = DataInfo("toy", Schema(images.schema.inputs), {}, "", "", "")
    run = Run(tmp_path, Recipe(net=spec), info, spec.build(images.schema).eval(), find_device("cpu"))
    inputs = torch.cat(list(images.test.pieces("image")))[:3]
    *lines, last = report_of(task).call.splitlines()
    space = {"run": run, "inputs": inputs}
    exec("\n".join(lines), space)
    found = eval(last, space)
    torch.testing.assert_close(found, run.net(images.test.gather(torch.arange(3)).x))
