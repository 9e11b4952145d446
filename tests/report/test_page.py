import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from torch import nn

from neurarium.checks import RunError
from neurarium.nets.summary import summarise
from neurarium.report import sections
from neurarium.report.history import digest
from neurarium.report.layers import plain_rows
from neurarium.report.page import write_report
from neurarium.training.recipe import OwnNet, Recipe

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082".replace(" ", "")
)
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
def html(run_folder):
    folder = run_folder()
    net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Flatten(), nn.Linear(3456, 10))
    (folder / "layers.json").write_text(json.dumps(plain_rows(summarise(net, (1, 28, 28)))))
    (folder / "mistakes.png").write_bytes(PNG)
    path = write_report(folder)
    assert path == folder / "report.html"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_page_holds_the_numbers(page):
    for words in (
        "96.8 %", "484 of 500 right", "95 % interval 94.9 % to 98.0 %", "61,706", "20 of 20", "2.40 % (epoch 17)",
        "CC BY-SA 3.0", "Y. LeCun", "2.13.0", "6 x 24 x 24", "5 x 5", "86,400", "4,000 train", "adam", "4 of 6 threads",
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
        "story", "curves", "answers", "mistakes", "net", "settings", "origins", "use"
    ]  # fmt: skip


def test_pictures_are_described(page, html):
    assert len(page.alts) == 1
    assert "mistakes: said" in page.alts[0]
    assert html.count('role="img" aria-label="Curve') == 4


def test_commands_name_the_folder(page):
    assert re.search(r"neurarium predict \S+/lenet5-1 picture.png", page.text)
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
    card = made.card(classes, kind="vectors", shape=(4,)) | {"source": evil, "licence": evil, "name": evil}
    scores = made.scores(made.evaluation(classes, 300, 0.9), evil)
    html = write_report(run_folder(classes=classes, card=card, scores=scores)).read_text()
    page = Page(html)
    assert "script" not in page.tags
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 8
    assert "$name" in page.text


def test_vectors_show_their_mistakes_as_a_table(run_folder, made):
    scores = made.scores(made.evaluation(made.digits, 500, 0.968), "wine")
    folder = run_folder(card=made.card(made.digits, kind="vectors", shape=(13,)), scores=scores)
    page = Page(write_report(folder).read_text())
    worst = scores["mistakes"][0]
    shown = f"{worst['index']} {worst['predicted']} {worst['truth']} {100 * worst['confidence']:.1f} %"
    assert shown in page.text
    assert "examples.csv" in page.text


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


def test_a_hundred_classes(run_folder, made):
    classes = tuple(f"kind {k}" for k in range(100))
    scores = made.scores(made.evaluation(classes, 1000, 0.8), "many")
    folder = run_folder(classes=classes, scores=scores, events=made.events(1, best=1))
    (folder / "confusion.png").write_bytes(PNG)
    page = Page(write_report(folder).read_text())
    assert "All 100 classes" in page.text
    assert len(page.alts) == 1


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


@pytest.mark.parametrize(
    ("task", "command", "call"),
    [
        ("regression", "neurarium predict", "run.predict(inputs).values"),
        ("generation", "neurarium sample", "run.sample(100)"),
        ("density", "neurarium sample", "run.sample(100)"),
        ("reconstruction", "neurarium evaluate", "run.net(run.scaling.apply(inputs))"),
        ("recall", "neurarium evaluate", "run.net(run.scaling.apply(inputs))"),
    ],
)
def test_use_is_by_what_the_net_is_for(task, command, call):
    entries = [
        {"event": "started", "name": "x", "parameters": 1, "epochs": 3, "steps_per_epoch": 1, "environment": {}}
        | {"task": task},
        {"event": "stopped", "reason": "converged", "step": 1, "seconds": 1.0},
    ]
    page = sections.use(Path("runs/x-1"), digest(entries), {"net": {"kind": "x"}}, {"kind": "images"})
    assert command in page
    assert call in page
    assert ("neurarium predict" in page) == (task == "regression")
    assert "Learn longer" not in page  # nothing is left to learn
