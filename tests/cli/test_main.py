import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from neurarium.cli import list_command
from neurarium.cli.main import COMMANDS, main


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in COMMANDS)


WITHOUT_TORCH = [
    [["--help"]],
    [["--version"]],
    [["train", "mlp", "--help"], ["find-rate", "mlp", "--help"], ["sweep", "mlp", "--help"]],
    [[command, "--help"] for command in COMMANDS],
    [["train", "mlp", "--epoch", "3"], ["predict", "r", "--tp", "3"], ["trace", "mlp", "--examples", "0"], ["trian"]],
]


@pytest.mark.parametrize("calls", WITHOUT_TORCH)
def test_help_and_mistaken_options_do_not_import_torch(calls: list[list[str]]) -> None:
    code = (
        "import sys; from neurarium.cli.main import main\n"
        f"for call in {calls!r}:\n"
        "    main(call)\n"
        "    assert 'torch' not in sys.modules, call\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"neurarium {command}" in capsys.readouterr().out


def test_mistyped_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    assert "did you mean train" in capsys.readouterr().err


def test_debug_shows_the_traceback() -> None:
    from neurarium.checks import ConfigError

    with pytest.raises(ConfigError):
        main(["trian", "--debug"])


def test_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m neurarium list | head -1; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0
    assert result.stderr == ""


def test_list(neurarium: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    text = neurarium("list").stdout
    for name in ("lenet5", "mlp-fashion", "lenet5-1998", "mnist-5k", "fashion-mnist"):
        assert name in text


def test_list_on_a_narrow_screen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    list_command.run([])
    words = capsys.readouterr().out.split()
    monkeypatch.setenv("COLUMNS", "80")
    list_command.run([])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert text.split() == words


def test_a_choice_that_is_nearly_right_is_suggested(neurarium: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    result = neurarium("train", "mlp", "--optimizer.name", "adm")
    assert result.returncode == 2
    assert result.stderr.strip().endswith("did you mean adam or adamw?")
