"""The map of the documentation leads somewhere: no dead link, no section without a row, no net without a door."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest

import neurarium.nets
from neurarium.nets.catalog import NETS
from neurarium.recipes.catalog import RECIPES

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"\[[^\]\[]*\]\(([^)\s]+)\)")
COLUMNS = 5


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page; a name that comes again gets a number."""
    found: list[str] = []
    for heading in re.findall(r"(?m)^#{1,6} (.+)$", outside_code(page)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return set(found)


def outside_code(page: Path) -> str:
    """The text of a page without code, in which brackets are no links; the code that a link is called after stays."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    return re.sub(r"(?<!\[)`[^`\n]*`", "", text)


def map_text() -> str:
    return (DOCS / "map.md").read_text(encoding="utf-8")


def rows_of(notes: str) -> dict[str, list[str]]:
    """The rows of the table below the heading of a set of notes, by their section."""
    part = re.split(r"(?m)^## ", map_text())
    (table,) = [text for text in part if text.lower().startswith(notes.replace("-", " "))]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(outside_code(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("notes", ["notes-001", "notes-002", "notes-003", "notes-004"])
def test_every_section_has_a_row(notes: str) -> None:
    sections = tomllib.loads((DOCS / "sections.toml").read_text(encoding="utf-8"))[notes]["sections"]
    rows = rows_of(notes)
    assert len(sections) > 20
    assert list(rows) == sections
    for section, cells in rows.items():
        assert len(cells) == COLUMNS - 1, section
        teaches, code, tests, _ = cells
        assert teaches, section
        assert "to come" in code or ("/src/neurarium/" in code and "/tests/" in tests), section


def test_no_net_is_to_come_that_is_there() -> None:
    """A row that begins with "to come" speaks of no net of the library, nor does what another row leaves open."""
    phrases = {re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() for name in neurarium.nets.__all__}
    for notes in ("notes-001", "notes-002", "notes-003", "notes-004"):
        for section, (teaches, code, _, _) in rows_of(notes).items():
            said = LINK.sub("", code)
            if "to come" in said:
                said += f", {section}, {teaches}" if said.startswith("to come") else ""
                built = {phrase for phrase in phrases if re.search(rf"\b{phrase}\b", said.lower())}
                assert built == set(), f"{section}: no longer to come"


def test_the_lists_of_nets_are_those_of_the_library() -> None:
    """Mended by `python docs/pages/map.py`."""
    written = runpy.run_path(str(DOCS / "pages" / "map.py"))
    assert map_text() == written["with_lists"](map_text())


def test_every_net_and_every_recipe_is_on_the_map() -> None:
    words = set(re.findall(r"`([^`]+)`", map_text()))
    assert {*neurarium.nets.__all__, *NETS, *RECIPES} <= words
