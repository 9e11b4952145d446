"""`neurarium show`, called as the command line calls it."""

import pytest

from neurarium import api
from neurarium.checks import ConfigError, DataError
from neurarium.cli import show_command
from neurarium.nets.catalogue import NETS
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
    assert f"total │ │ │ │ {parameters:,} │" in text
    assert "Shown for" not in text


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
    assert f"total │ │ │ │ {parameters:,} │" in text
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


def test_mistakes() -> None:
    with pytest.raises(ConfigError, match="data of two classes, got 3 classes"):
        show_command.run(["perceptron", "--classes", "3"])
    with pytest.raises(ConfigError, match="the run that the net features stands on"):
        show_command.run(["features"])
    with pytest.raises(ConfigError, match="did you mean lenet5"):
        show_command.run(["lenett"])
