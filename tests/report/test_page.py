import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from torch import nn

from neurarium.checks import RunError
from neurarium.nets.summary import summarize, summarize_batch
from neurarium.record.schema import Field, Schema
from neurarium.record.sealed import write_json
from neurarium.report import sections
from neurarium.report.history import digest
from neurarium.report.layers import plain_rows
from neurarium.report.page import write_report
from neurarium.training.recipe import OwnNet, Recipe

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Checks that elements are closed in order, and gathers what the tests ask for."""

    def __init__(self, html):
        super().__init__()
        self.open, self.loads, self.anchors, self.ids, self.tags, self.alts, self.words = [], [], [], [], [], [], []
        self.feed(html)
        self.close()
        self.text = " ".join(" ".join(self.words).replace("\xa0", " ").split())

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        (self.anchors if tag == "a" else self.loads).extend(
            value for name, value in attrs if name in ("src", "href", "srcset", "data", "action", "xlink:href")
        )
        if tag == "img":
            self.alts.append(values["alt"])

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


@pytest.fixture(scope="module")
def html(run_folder, figures):
    folder = run_folder()
    net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Flatten(), nn.Linear(3456, 10))
    layers = {"of": "one example", "rows": plain_rows(summarize(net, (1, 28, 28)))}
    write_json(folder / "layers.json", layers)
    figures(folder, "mistakes")
    path = write_report(folder)
    assert path == folder / "report.html"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_page_holds_the_numbers(page):
    for words in (
        "96.8 %", "484 of 500 right", "95 % interval 94.9 % to 98.0 %", "61,706", "20 of 20", "2.40 % (epoch 17)",
        "CC BY-SA 3.0", "Y. LeCun", "2.13.0", "6 x 24 x 24", "86,400", "4,000 train", "adam", "4 of 6 threads",
        "The net lenet5 learned to tell 10 classes of images apart, from 4,000 examples of mnist-5k",
        "image 1 x 28 x 28; label, one of 10", "10 categories of label", "those of one example",
    ):  # fmt: skip
        assert words in page.text, words


def test_page_is_self_contained(page, html):
    assert page.open == []
    assert all(load.startswith(("#", "data:image/png;base64,")) for load in page.loads)
    assert all(anchor.startswith("#") and anchor[1:] in page.ids for anchor in page.anchors)
    assert len(page.ids) == len(set(page.ids))
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert not re.search(r"url\((?!#)|@import", html)


def test_all_sections_are_there_and_reached_from_the_top(page):
    assert [anchor[1:] for anchor in page.anchors] == [
        "story", "curves", "scores", "answers", "mistakes", "net", "settings", "origins", "use"
    ]  # fmt: skip


def test_pictures_are_described(page, html):
    assert len(page.alts) == 1
    assert "mistakes: said" in page.alts[0]
    assert html.count('role="img" aria-label="Curve') == 4


def test_commands_name_the_folder(page):
    assert re.search(r"neurarium predict \S+/lenet5-1 image.png", page.text)
    assert re.search(r"neurarium resume \S+/lenet5-1 --epochs 20", page.text) is None
    assert re.search(r"neurarium resume \S+/lenet5-1 --epochs 40", page.text)
    assert re.search(r"neurarium train --config \S+/config.toml --out \S+/lenet5-1-again", page.text)


def test_equal_folders_give_equal_pages(html, run_folder):
    folder = run_folder()
    again = write_report(folder).read_text()
    assert write_report(folder).read_text() == again


def test_names_from_outside_are_escaped(run_folder, made):
    evil = "<script>alert(1)</script>"
    classes = (evil, "b", "$name")
    info = made.info(classes, (4,), provenance=evil, license=evil, name=evil)
    schema = Schema({evil: Field((4,))}, {evil + "2": Field((), classes)})
    scores = made.scores(classes, 300, 0.9, data=evil)
    html = write_report(run_folder(info=replace(info, schema=schema), scores=scores)).read_text()
    page = Page(html)
    assert "script" not in page.tags
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 10
    assert "$name" in page.text


def test_vectors_show_their_mistakes_as_a_table(run_folder, made):
    scores = made.scores(made.digits, 500, 0.968, data="wine")
    page = Page(write_report(run_folder(info=made.info(made.digits, (13,)), scores=scores)).read_text())
    worst = scores.details["mistakes"][0]
    shown = f"{worst['index']} {worst['predicted']} {worst['truth']} {100 * worst['confidence']:.1f} %"
    assert shown in page.text
    assert "examples.csv" in page.text
    assert "classes of vectors apart" in page.text


def test_an_interrupted_run_has_a_page_that_says_how_to_go_on(run_folder, made):
    folder = run_folder(events=made.events(3, reason="interrupted"), scored=False)
    page = Page(write_report(folder).read_text())
    assert "interrupted after 189 of 1,260 updates" in page.text
    assert re.search(r"neurarium resume \S+/lenet5-1 ", page.text)
    assert "answers" not in page.ids


def test_a_run_without_a_single_step_has_a_page(run_folder, made):
    page = Page(write_report(run_folder(events=made.events()[:1], scored=False)).read_text())
    assert "No epoch was completed" in page.text
    assert "curves" not in page.ids


def test_doubts_stand_at_the_top(run_folder, made):
    scores = replace(made.scores(made.digits, 500, 0.1), warnings=("No better than <guessing>; do x.",))
    html = write_report(run_folder(scores=scores)).read_text()
    assert html.index('<p class="doubt">No better than &lt;guessing&gt;; do') < html.index("<main>")
    assert "always the most frequent class" in html
    assert 'class="doubt"' not in write_report(run_folder()).read_text()


def test_a_hundred_classes(run_folder, made, figures):
    classes = tuple(f"kind {k}" for k in range(100))
    scores = made.scores(classes, 1000, 0.8, data="many")
    folder = run_folder(classes=classes, scores=scores, events=made.events(1, best=1))
    figures(folder, "confusion")
    page = Page(write_report(folder).read_text())
    assert "All 100 classes" in page.text
    assert len(page.alts) == 1
    assert "100 categories of label kind 0, kind 1, kind 2," in page.text
    assert "kind 9, … provenance" in page.text


def test_figures_of_a_run_have_their_sections_before_the_net(run_folder, made, figures):
    folder = run_folder(events=made.events(1, best=1))
    figures(folder, "filters", "augmented", alone=True)
    page = Page(write_report(folder).read_text())
    assert [anchor[1:] for anchor in page.anchors] == [
        "story", "curves", "scores", "answers", "mistakes", "figure-filters", "figure-augmented", "settings",
        "origins", "use",
    ]  # fmt: skip
    assert page.alts == ["filters", "augmented"]


def test_a_picture_that_is_not_listed_is_not_shown(run_folder, made):
    folder = run_folder(events=made.events(1, best=1))
    (folder / "mistakes.png").write_bytes(b"\x89PNG")
    assert Page(write_report(folder).read_text()).alts == []


def test_a_net_of_ones_own_is_used_from_python(run_folder, made):
    folder = run_folder(recipe=Recipe(net=OwnNet()), events=made.events(1, best=1))
    page = Page(write_report(folder).read_text())
    assert "net=module" in page.text
    assert "neurarium train" not in page.text


def test_damaged_scores_are_named(run_folder, made):
    folder = run_folder(events=made.events(1, best=1))
    (folder / "scores.json").write_text("{")
    with pytest.raises(RunError, match=r"scores\.json"):
        write_report(folder)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="record"):
        write_report(tmp_path)


def test_a_cost_that_is_not_known_makes_the_total_unknown(run_folder, made):
    folder = run_folder(events=made.events(1, best=1))
    rows = plain_rows(summarize_batch(nn.Bilinear(2, 3, 4), (torch.zeros(5, 2), torch.zeros(5, 3))))
    write_json(folder / "layers.json", {"of": "a batch of five", "rows": rows})
    text = Page(write_report(folder).read_text()).text
    assert "Shapes and multiply-adds are those of a batch of five." in text
    assert "(net) Bilinear 5 x 4 28 unknown total 28 unknown" in text


@pytest.mark.parametrize(
    ("task", "command", "call"),
    [
        ("classification", "neurarium predict runs/x-1 image.png", "run.predict(inputs).labels"),
        ("regression", "neurarium predict runs/x-1 image.png", "run.predict(inputs).values"),
        ("generation", "neurarium sample runs/x-1 --count 100 --out samples.png", "run.sample(100)"),
        ("density", "neurarium sample runs/x-1 --count 100 --out samples.png", "run.sample(100)"),
        ("reconstruction", "neurarium evaluate runs/x-1", "run.net(scaled(inputs, run.schema.input))"),
        ("recall", "neurarium evaluate runs/x-1", "run.net(scaled(inputs, run.schema.input))"),
        ("custom", "neurarium evaluate runs/x-1", "run.predict(inputs)"),
    ],
)
def test_use_is_by_what_the_net_is_for(task, command, call, made):
    page = used(task, made.info(made.digits))
    assert command in page
    assert call in page
    assert ("neurarium predict" in page) == (task in ("classification", "regression"))
    assert "Learn longer" not in page  # nothing is left to learn


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("images", "image.png"),
        ("vectors", "examples.csv"),
        ("tokens", "lines.txt"),
        ("windows", "lines.txt"),
        ("series", "series.csv"),
        ("nodes", ""),
        ("graphs", ""),
        ("points", ""),
    ],
)
def test_files_are_named_where_files_hold_such_examples(kind, files, made, request):
    schema = request.getfixturevalue(kind).schema
    page = used("classification", replace(made.info(made.digits), schema=schema))
    assert ("neurarium predict" in page) == bool(files)
    assert f"runs/x-1 {files}" in page or not files


@pytest.mark.parametrize(
    ("kind", "name", "line"),
    [
        ("series", "japanese-vowels", "inputs = neurarium.load_data(&#39;japanese-vowels&#39;).test"),
        ("series", "my own", ""),
        ("images", "mnist-5k", ""),
    ],
)
def test_examples_that_are_no_tensor_are_those_of_the_data_where_they_have_a_name(kind, name, line, made, request):
    schema = request.getfixturevalue(kind).schema
    page = used("classification", replace(made.info(made.digits), schema=schema, name=name))
    assert ("load_data" in page) == bool(line)
    assert line in page


def used(task, info):
    entries = [
        {"event": "started", "name": "x", "parameters": 1, "epochs": 3, "steps_per_epoch": 1, "environment": {}}
        | {"task": task},
        {"event": "stopped", "reason": "converged", "step": 1, "seconds": 1.0},
    ]
    return sections.use(Path("runs/x-1"), digest(entries), {"net": {"kind": "x"}}, info).body
