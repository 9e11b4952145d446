"""`neurarium show`, called as the command line calls it."""

from pathlib import Path

import pytest

from neurarium import api
from neurarium.checks import ConfigError, DataError
from neurarium.cli import show_command
from neurarium.nets.catalog import NETS
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.training.recipe import Recipe


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert show_command.run(arguments) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.fixture
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """No data set on this machine."""

    def data_of(plan: Recipe) -> None:
        raise DataError(plan.data, expected="its four files", got="none of them")

    monkeypatch.setattr(api, "data_of", data_of)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        (["mlp-diabetes"], 10 * 32 + 32 + 32 * 1 + 1),
        (["logistic"], 30 + 1),
        (["softmax"], 64 * 10 + 10),
        (["perceptron"], 784 + 1),
        (["lenet5"], 61_706),
        # what is given counts, the rest is that of the data
        (["mlp-diabetes", "--shape", "7"], 7 * 32 + 32 + 32 + 1),
        (["softmax", "--classes", "3"], 64 * 3 + 3),
        (["softmax", "--shape", "2", "3", "--classes", "4"], 6 * 4 + 4),
        # a net alone
        (["linear"], 784 * 10 + 10),
        (["linear", "--classes", "2"], 784 * 2 + 2),
    ],
)
def test_sizes_are_those_of_the_recipes_data_or_as_asked(
    arguments: list[str], parameters: int, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, *arguments)
    assert f"total │ │ │ {parameters:,} │" in text
    assert "Shown for" not in text


def test_nets_of_other_examples_than_one_tensor(capsys: pytest.CaptureFixture[str]) -> None:
    # 12 numbers a step, two layers of 64 units, mean and maximum of them, 9 classes
    parameters = (12 * 64 + 64) + (64 * 64 + 64) + (2 * 64 * 9 + 9)
    for name in ("vowels", "pooled-series"):
        text = said(capsys, name)
        assert f"│ {parameters:,} │" in text
        assert "Shapes and multiply-adds are those of a batch of 2 random examples." in text
    assert f"│ {parameters - 6 * (2 * 64 + 1):,} │" in said(capsys, "pooled-series", "--classes", "3")
    with pytest.raises(ConfigError, match=r"shape: expected none, .* got series \(time x 12\)"):
        show_command.run(["vowels", "--shape", "12"])
    with pytest.raises(ConfigError, match=r"classes: expected none, .* got next \(12\)"):
        show_command.run(["neural-language-model", "--classes", "3"])


def test_large_nets_are_shown_for_large_images(capsys: pytest.CaptureFixture[str]) -> None:
    assert "│ 7,978,856 │" in said(capsys, "densenet121")  # as its authors print it


def test_a_recipe_of_numbers_keeps_predicting_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert f"│ {10 * 32 + 32 + 32 * 3 + 3} │" in said(capsys, "mlp-diabetes", "--classes", "3")


@pytest.mark.usefixtures("nothing_here")
@pytest.mark.parametrize(
    ("arguments", "parameters", "line"),
    [
        (
            ["mlp-diabetes"],
            784 * 32 + 32 + 32 * 10 + 10,
            "Shown for examples of 1 x 28 x 28 and 10 classes, as diabetes",
        ),
        (["perceptron"], 785, "Shown for examples of 1 x 28 x 28 and 2 classes, as mnist-4-9"),
        (["mlp-diabetes", "--shape", "10"], 10 * 32 + 32 + 32 * 10 + 10, "Shown for examples of 10 and 10 classes"),
    ],
)
def test_without_the_data_a_line_says_what_the_sizes_are_for(
    arguments: list[str], parameters: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, *arguments)
    assert f"total │ │ │ {parameters:,} │" in text
    assert line in text
    assert "expected its four files, got none of them" in text


@pytest.mark.usefixtures("nothing_here")
def test_no_data_are_looked_for_where_both_sizes_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "mlp-diabetes", "--shape", "10", "--classes", "1")
    assert "385" in text
    assert "Shown for" not in text


def test_a_net_alone_that_takes_two_classes_gets_two(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NETS, "two-only", PerceptronSpec)
    assert "785" in said(capsys, "two-only")


def test_a_run_is_shown_as_it_is(finished: Path) -> None:
    with pytest.raises(ConfigError, match="none for a run"):
        show_command.run([str(finished), "--classes", "3"])


def test_mistakes() -> None:
    with pytest.raises(ConfigError, match="data of two classes, got 3 classes"):
        show_command.run(["perceptron", "--classes", "3"])
    with pytest.raises(
        ConfigError, match="stands on another run's net; show a recipe that uses it: bottleneck-features"
    ):
        show_command.run(["linear-probe"])
    with pytest.raises(ConfigError, match="got 0"):
        show_command.run(["mlp", "--classes", "0"])
    with pytest.raises(ConfigError, match="did you mean lenet5"):
        show_command.run(["lenett"])
