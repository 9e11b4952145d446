import pickle

import pytest

from neurarium.checks import ConfigError, NonFiniteError, UserError


def test_message_says_what_was_expected_what_came_and_what_to_do() -> None:
    error = ConfigError("epochs", expected="an integer >= 1", got="0", remedy="pass --epochs 10")
    assert str(error) == "epochs: expected an integer >= 1, got 0; pass --epochs 10"
    assert isinstance(error, ValueError)


def test_remedy_may_be_absent() -> None:
    assert str(UserError("a", expected="b", got="c")) == "a: expected b, got c"


def test_exit_codes_tell_a_mistake_from_divergence() -> None:
    assert (ConfigError.exit_code, NonFiniteError.exit_code) == (2, 3)


def test_error_crosses_a_process_boundary_whole() -> None:
    # what multiprocessing does with an exception
    error = pickle.loads(pickle.dumps(ConfigError("a", expected="b", got="c", remedy="d")))
    assert type(error) is ConfigError
    assert (error.subject, error.expected, error.got, error.remedy) == ("a", "b", "c", "d")


def test_is_caught_as_value_error() -> None:
    with pytest.raises(ValueError, match="expected b"):
        raise UserError("a", expected="b", got="c")
