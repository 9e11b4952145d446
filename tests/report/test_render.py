import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

import neurarium.report
from neurarium.report.render import render, unbroken

EVIL = '<script>"&</script>'
ROW = {"class": EVIL, "examples": 1, "precision": 1.0, "recall": 0.5, "f1": 0.7}
PIECES = {
    "verdict.html": {"paragraphs": [EVIL]},
    "table.html": {"caption": EVIL, "columns": [EVIL], "rows": [[EVIL]], "foot": [EVIL], "below": EVIL},
    "scores.html": {"on": EVIL, "data": EVIL, "rows": [(EVIL,) * 4]},
    "facts.html": {"facts": [(EVIL, EVIL)]},
    "settings.html": {"changed": [(EVIL, EVIL)], "groups": [(EVIL, [(EVIL, EVIL)])]},
    "origins.html": {"groups": [(EVIL, [(EVIL, EVIL)])]},
    "figure.html": {"words": EVIL, "png": b"", "about": EVIL},
    "curves.html": {"panels": [("", EVIL)], "reading": [("blue", EVIL, EVIL)]},
    "commands.html": {"lines": [(EVIL, EVIL)]},
    "headline.html": {"value": EVIL, "about": EVIL, "faint": [EVIL], "scale": (0.1, 0.2, 0.3)},
    "top.html": {"headline": EVIL, "facts": [(EVIL, EVIL)]},
    "answers.html": {
        "rows": [ROW], "confusion": [[1]], "strength": [[1.0]], "turned": True, "beside": True, "figure": None,
        "open_up_to": 1,
    },
    "mistakes.html": {"caption": EVIL, "rows": [(EVIL,) * 4], "figure": b"", "words": EVIL},
    "trace.html": {
        "examples": 1, "verdict": [EVIL], "svg": "", "caption": EVIL, "columns": [EVIL], "rows": [[EVIL]],
    },
    "page.html": {"kind": EVIL, "name": EVIL, "lead": EVIL, "top": EVIL, "sections": [], "source": EVIL},
}  # fmt: skip


def test_everything_is_escaped():
    for name, values in PIECES.items():
        piece = render(name, **values)
        assert "<script" not in piece, name
        assert "&lt;script&gt;&#34;&amp;" in piece, name
    folder = Path(neurarium.report.__file__).parent / "templates"
    assert {path.name for path in folder.iterdir()} == {*PIECES, "pieces.html", "style.css"}


def test_an_installed_package_has_the_templates():
    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert "report/templates/*" in settings["tool"]["setuptools"]["package-data"]["neurarium"]


def test_table_is_well_formed_with_headers():
    columns, rows, foot = ["name", "of", "fraction"], [["a", "b", "0.5"]], ["total", "", "1"]
    page = render("table.html", caption="what", columns=columns, rows=rows, foot=foot, words=2)
    root = ElementTree.fromstring(page)
    assert [cell.text for cell in root.findall(".//th[@scope='col']")] == ["name", "of", "fraction"]
    assert [cell.text for cell in root.findall(".//th[@scope='row']")] == ["a", "total"]
    cells = root.findall(".//tbody//td")
    assert [(cell.text, cell.get("class", "")) for cell in cells] == [("b", ""), ("0.5", "number")]


def test_no_line_breaks_before_a_percent_sign():
    assert unbroken("96.8 % right in 3 s, 2 sums") == "96.8\xa0% right in 3\xa0s, 2 sums"
    assert "96.8\xa0% right" in render("verdict.html", paragraphs=["96.8 % right"])


@pytest.mark.more
def test_who_writes_no_page_does_not_wait_for_templates():
    asked = "import sys, neurarium.api, neurarium.cli.main, neurarium.report.page; print('jinja2' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
