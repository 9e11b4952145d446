import pytest

from neurarium.checks import ConfigError, choose, suggest

TABLE = {"lenet5": 5, "lenet5-fashion": 6, "mlp": 1}


def test_finds() -> None:
    assert choose("mlp", TABLE, "recipe") == 1


@pytest.mark.parametrize(("given", "meant"), [("lenet", "lenet5"), ("LeNet5", "lenet5"), ("mpl", "mlp")])
def test_says_the_closest(given: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        choose(given, TABLE, "recipe")
    assert f"did you mean {meant}" in str(caught.value)


def test_lists_all_when_nothing_is_close() -> None:
    with pytest.raises(ConfigError) as caught:
        choose("xyz", TABLE, "recipe")
    assert str(caught.value) == "recipe: expected one of lenet5, lenet5-fashion, mlp, got 'xyz'"


def test_suggests_nothing_when_nothing_is_close() -> None:
    assert suggest("xyz", TABLE) == ""
    assert suggest("lenet6", TABLE) == "did you mean lenet5?"
