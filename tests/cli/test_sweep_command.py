"""`neurarium sweep` as a user types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from neurarium.checks import ConfigError
from neurarium.cli.sweep_command import read_order, run

pytestmark = pytest.mark.usefixtures("undrawn")

QUICK = [
    "mlp", "--epochs", "1", "--net.hidden", "8", "--net.dropout=0", "--augmentation.shift", "0", "--batch-size=500",
    "--optimizer.name", "sgd,adam", "--optimizer.weight-decay", "0", "--threads", "1", "--quiet",
]  # fmt: skip


def test_help_loads_no_torch() -> None:
    script = (
        "import sys; from neurarium.cli.sweep_command import run; run(['mlp', '--help']);"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '--net.hidden "64;128,64"' in done.stdout
    assert "--optimizer.lr 0.002" in done.stdout


def test_sweep_and_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*QUICK, "--seeds", "2"]) == 0
    assert "Best cell:" in capsys.readouterr().out
    found = json.loads((tmp_path / "sweeps/mlp-1/results.json").read_text())
    assert [cell["finished"] for cell in found["cells"]] == [2, 2]
    assert run(["sweeps/mlp-1", "--quiet"]) == 0
    with pytest.raises(ConfigError, match="as it was asked for"):
        run(["sweeps/mlp-1", "--epochs", "3"])


def test_options_are_no_fields() -> None:
    order = read_order(["mlp", "--seeds=3", "--vmap", "never", "--out", "o", "--optimizer.lr", "0.1", "--quiet"])
    assert (order.seeds, order.vmap, order.out, order.quiet) == (3, "never", Path("o"), True)
    assert order.grid == {"optimizer.lr": [0.1]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lenet"], "did you mean lenet5"),
        (["mlp", "--optimiser.lr", "1"], "did you mean optimizer"),
        (["mlp", "--epochs", "many"], "epochs: expected an integer"),
        (["mlp", "--epochs"], "a value"),
        (["mlp", "--augmentation.flip", "--epochs", "1"], "switches too"),
        (["mlp", "--seeds", "0"], "integer >= 1"),
        (["mlp", "--vmap", "sometimes"], "auto, always, never"),
        (["mlp", "epochs", "3"], "begin with --"),
        (["mlp", "--optimizer.lr", "0.1,-1"], "optimizer.lr"),
    ],
)
def test_mistakes(arguments: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run(arguments)
    assert says in str(caught.value)
