import base64
import json
from pathlib import Path
from typing import Any

import pytest

from neurarium.checks import RunError
from neurarium.report.gallery import Listed, figure_sections, figures, read_figure
from neurarium.report.render import render


def put(folder: Path, *listed: dict[str, Any]) -> None:
    for entry in listed:
        (folder / f"{entry['name']}.png").write_bytes(b"\x89PNG " + entry["name"].encode())
    (folder / "figures.json").write_text(json.dumps(listed))


def entry(name: str, title: str = "Filters", words: str = "What is seen.", alone: bool = True) -> dict[str, Any]:
    return {"name": name, "title": title, "words": words, "alone": alone}


def titles(folder: Path) -> list[str]:
    return [section.title for section in figure_sections(folder)]


def test_pictures_and_their_words_come_back_in_order(tmp_path: Path) -> None:
    put(tmp_path, entry("b", "Second", "Blue: 5 % of them."), entry("a", "First"))
    assert figures(tmp_path) == [Listed("b", "Second", "Blue: 5 % of them."), Listed("a", "First", "What is seen.")]
    sections = figure_sections(tmp_path)
    assert [section[:3] for section in sections] == [
        (f"figure-{n}", t, t) for n, t in (("b", "Second"), ("a", "First"))
    ]
    page = sections[0].body
    assert "<p>Blue: 5\xa0% of them.</p>" in page
    encoded = base64.b64encode(b"\x89PNG b").decode()
    assert f'alt="Second" src="data:image/png;base64,{encoded}"' in page


def test_a_picture_that_belongs_to_numbers_has_no_section_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, entry("a", "Alone"), entry("confusion", "Confusion", alone=False))
    assert titles(tmp_path) == ["Alone"]
    assert read_figure(tmp_path, "confusion") == b"\x89PNG confusion"


def test_a_picture_that_is_not_listed_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "mistakes.png").write_bytes(b"of an older run")
    assert read_figure(tmp_path, "mistakes") is None
    put(tmp_path, entry("a"))
    assert read_figure(tmp_path, "mistakes") is None


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    assert figure_sections(tmp_path) == []
    assert figures(tmp_path) == []


def test_a_picture_that_is_gone_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, entry("a", "Kept"), entry("b", "Gone"))
    (tmp_path / "b.png").unlink()
    assert titles(tmp_path) == ["Kept"]
    assert read_figure(tmp_path, "b") is None


def test_names_and_words_are_escaped(tmp_path: Path) -> None:
    put(tmp_path, entry("a", '<b>"it"</b>', "x < y & <script>"))
    (section,) = figure_sections(tmp_path)
    page = render("page.html", kind="run", name="a", lead="", top="", sections=[section], source="it")
    assert "<b>" not in page
    assert "<script>" not in page
    assert "<h2>&lt;b&gt;&#34;it&#34;&lt;/b&gt;</h2>" in page
    assert 'alt="&lt;b&gt;&#34;it&#34;&lt;/b&gt;"' in page
    assert "x &lt; y &amp; &lt;script&gt;" in page


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"null", b"[1]", b'[{"name": "a"}]', json.dumps({"name": "a"}).encode()],
)
def test_a_damaged_list(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "figures.json").write_bytes(content)
    for read in (figure_sections, lambda folder: read_figure(folder, "a")):
        with pytest.raises(RunError, match=r"figures\.json: expected a list of figures.*remove it and evaluate anew"):
            read(tmp_path)
