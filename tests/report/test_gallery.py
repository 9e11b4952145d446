import base64
import json
from pathlib import Path

import pytest

from neurarium.checks import RunError
from neurarium.report.gallery import Plate, plate_sections, save_plates
from neurarium.report.picture import blank


def plate(name: str = "filters", title: str = "Filters", words: str = "What is seen.") -> Plate:
    figure = blank(1.0, 1.0)
    figure.subplots().plot([0, 1], [0, 1])
    return Plate(name, title, words, figure)


def test_pictures_and_their_words_come_back_in_order(tmp_path: Path) -> None:
    save_plates([plate("b", "Second", "Blue: 5 % of them."), plate("a", "First")], tmp_path)
    sections = plate_sections(tmp_path)
    assert list(sections) == ["Second", "First"]
    page = sections["Second"]
    assert page.startswith('<section id="picture-b"><h2>Second</h2>')
    assert "<p>Blue: 5\xa0% of them.</p>" in page
    picture = (tmp_path / "b.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert f'alt="Second" src="data:image/png;base64,{base64.b64encode(picture).decode()}"' in page


def test_new_pictures_take_the_place_of_the_old(tmp_path: Path) -> None:
    save_plates([plate("a", "Old"), plate("b", "Older")], tmp_path)
    save_plates([plate("a", "New")], tmp_path)
    assert list(plate_sections(tmp_path)) == ["New"]
    save_plates([], tmp_path)
    assert plate_sections(tmp_path) == {}


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    assert plate_sections(tmp_path) == {}


def test_a_picture_that_is_gone_is_left_out(tmp_path: Path) -> None:
    save_plates([plate("a", "Kept"), plate("b", "Gone")], tmp_path)
    (tmp_path / "b.png").unlink()
    assert list(plate_sections(tmp_path)) == ["Kept"]


def test_names_and_words_are_escaped(tmp_path: Path) -> None:
    save_plates([plate("a", '<b>"it"</b>', "x < y & <script>")], tmp_path)
    (page,) = plate_sections(tmp_path).values()
    assert "<b>" not in page
    assert "<script>" not in page
    assert "<h2>&lt;b&gt;&quot;it&quot;&lt;/b&gt;</h2>" in page
    assert 'alt="&lt;b&gt;&quot;it&quot;&lt;/b&gt;"' in page
    assert "x &lt; y &amp; &lt;script&gt;" in page


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"null", b"[1]", b'[{"name": "a"}]', json.dumps({"name": "a"}).encode()],
)
def test_a_damaged_list(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pictures.json").write_bytes(content)
    with pytest.raises(RunError, match=r"pictures\.json: expected a list of pictures.*remove it and evaluate anew"):
        plate_sections(tmp_path)
