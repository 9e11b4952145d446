"""Every command line in the documentation is one that the program takes; none of them is run."""

import functools
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from neurarium.cli import find_rate_command, parse, train_command
from neurarium.cli.main import COMMANDS, main
from neurarium.cli.sweep_command import read_order
from neurarium.sweeps.grid import expand

ROOT = Path(__file__).parent.parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]  # those of the guides are run
SOURCES = [*(ROOT / "src").rglob("*.py"), *(ROOT / "docs" / "pages").glob("*.py")]
OPEN = ("...", "RUN", "NAME", "FOLDER", "{", "--help", "COMMAND", "PATH")  # there to be filled in
WHOLE = re.compile(rf"neurarium (list$|trace --step|({'|'.join(COMMANDS)}) \w)")
CHOICE = re.compile(r"[\w-]+(\|[\w-]+)+")


class UnderstoodError(Exception):
    """The line was understood."""


def lines() -> list[str]:
    """Command lines in blocks and between backticks, without remarks."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found += re.findall(r"(?m)^(?:\$ )?(neurarium [a-z].*)$", text)
        found += re.findall(r"`(neurarium [a-z-]+[^`\n]*)`", text)
    for source in SOURCES:
        found += re.findall(r"`(neurarium [a-z-]+[^`\n]*)`", source.read_text(encoding="utf-8"))
    bare = {re.sub(r"\s+#.*|\s{2,}.*", "", line).strip().rstrip(".,;") for line in found}
    each = {
        line.replace(choice[0], one)
        for line in bare
        if (choice := CHOICE.search(line + " x|x"))
        for one in choice[0].split("|")
    }
    return sorted(line for line in each if WHOLE.match(line) and not any(word in line for word in OPEN))


def understand(
    real: Callable[..., Any], target: Any, command: str, arguments: Sequence[str], default: Any = None
) -> None:
    """Parse as the program does, and go no further."""
    if isinstance(target, type):
        real(target, command, arguments, default)
    else:
        real(functools.wraps(target)(lambda *given, **named: 0), command, arguments, default)
    raise UnderstoodError


@pytest.mark.parametrize("line", lines())
def test_it_is_taken(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    command, *rest = shlex.split(line)[1:]
    if command == "sweep":
        order = read_order(rest)
        assert expand(order.recipe, order.grid)
        return
    module = __import__(f"neurarium.cli.{command.replace('-', '_')}_command", fromlist=["parse"])
    assert module in (train_command, find_rate_command) or hasattr(module, "parse")
    monkeypatch.setattr(module, "parse", functools.partial(understand, parse.parse))
    with pytest.raises(UnderstoodError):
        main([command, *rest])
    assert "error" not in capsys.readouterr().err


def test_there_are_such_lines() -> None:
    assert len(lines()) > 40


def test_a_wrong_option_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(train_command, "parse", functools.partial(understand, parse.parse))
    assert main(["train", "mlp", "--optimiser.lr", "1"]) == 2
    assert "optimiser" in capsys.readouterr().err
