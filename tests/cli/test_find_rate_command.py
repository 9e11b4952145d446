"""`neurarium find-rate`, called as the command line calls it."""

import re
from pathlib import Path

import pytest
from matplotlib import image

from neurarium.checks import ConfigError
from neurarium.cli import find_rate_command

pytestmark = pytest.mark.usefixtures("undrawn")

QUICK = ["mlp", "--net.hidden", "16", "--threads", "1", "--batch-size", "50"]


def test_suggests_and_draws(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--steps", "40", "--optimizer.name", "sgd", "--lowest", "1e-4", "--highest", "1000"]
    assert find_rate_command.run([*QUICK, *options]) == 0
    said = capsys.readouterr().out
    steepest, advised, diverged = (
        float(re.search(rf"{name}\s+(\S+)", said)[1]) for name in ("steepest descent", "advised", "diverged at")
    )
    # plain gradient descent on a net of this size learns at about 0.1 and never at 100
    assert 1e-3 < steepest < 10
    assert 1e-3 < advised < 1
    assert 0.1 < diverged <= 100
    assert f"--optimizer.lr {advised:.2g}" in said
    assert [path.name for path in tmp_path.iterdir()] == ["find-rate.png"]
    assert image.imread(tmp_path / "find-rate.png").ndim == 3


@pytest.mark.parametrize(
    ("name", "rule"), [("hopfield", "storage"), ("perceptron", "perceptron"), ("ridge", "closed-form")]
)
def test_learning_rules_without_a_rate_are_refused(name: str, rule: str) -> None:
    with pytest.raises(ConfigError, match=f"recipe {name}: .* got the rule {rule}, for which there is no rate to find"):
        find_rate_command.run([name])


def test_help_and_mistakes(capsys) -> None:
    assert find_rate_command.run([]) == 2
    assert find_rate_command.run(["--help"]) == 0
    assert "lenet5" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="recipe"):
        find_rate_command.run(["lenet6"])
    with pytest.raises(ConfigError, match="lowest"):
        find_rate_command.run([*QUICK, "--lowest", "1", "--highest", "0.1"])
    with pytest.raises(ConfigError, match=r"neurarium train .*--pretrained RUN"):
        find_rate_command.run(["distilled-mlp"])
