"""The guides run as they are printed: each block after the other in one namespace, in an empty folder.

Without the figures and pages that a run leaves, which other tests draw.
"""

import doctest
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from neurarium.cli.main import main
from neurarium.nets.catalog import NETS

GUIDES = sorted((Path(__file__).parent.parent.parent / "docs" / "guides").glob("*.md"))
BLOCK = re.compile(r"(?ms)^```(python|bash)\n(.*?)^```")
LONGEST = 120


def execute(block: str, line: int, guide: Path, names: dict[str, Any]) -> None:
    """Run a block of Python: as a script, or as a session with what it answers."""
    if ">>>" not in block:
        exec(compile("\n" * line + block, str(guide), "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block, names, guide.name, str(guide), line)
    test.globs = names
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=told.append, clear_globs=False)
    assert not told, "".join(told)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_guide_runs(guide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for drawn in ("api.save_figures", "api.save_figure", "api.plot", "api.write_report", "sweeps.result.save_figure"):
        monkeypatch.setattr(f"neurarium.{drawn}", lambda *_, **__: None)
    for name, spec in NETS.items():  # what a guide enters is taken out again
        monkeypatch.setitem(NETS, name, spec)
    before = set(NETS)
    text = guide.read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "guide"}
    try:
        for found in BLOCK.finditer(text):
            line = text[: found.start(2)].count("\n")
            if found[1] == "python":
                execute(found[2], line, guide, names)
                continue
            for command in found[2].splitlines():
                program, *arguments = shlex.split(command, comments=True)
                assert program == "neurarium"
                assert main(arguments) == 0, command
    finally:
        for name in set(NETS) - before:
            del NETS[name]


def test_guides_are_short() -> None:
    assert [guide.stem for guide in GUIDES] == ["new-net", "own-data", "own-net"]
    for guide in GUIDES:
        assert len(guide.read_text(encoding="utf-8").splitlines()) <= LONGEST, guide
