"""Errors for users: what was expected, what came, what to do.

Every error that a user can cause is a `UserError` (a `ValueError`). The command line prints its text alone and
exits with `exit_code`; a bug of ours stays an ordinary exception with a traceback.
"""


class UserError(ValueError):
    """A mistake that the user can fix.

    Args:
        subject: what is wrong: a field, a file, an argument ("optimizer.lr", "digits.npz").
        expected: what would have been right.
        got: what came instead.
        remedy: what to do about it, as an instruction; may be empty where `expected` says it all.

    Example:
        >>> print(UserError("epochs", expected="an integer >= 1", got="0", remedy="pass --epochs 10"))
        epochs: expected an integer >= 1, got 0; pass --epochs 10
    """

    exit_code = 2

    def __init__(self, subject: str, *, expected: str, got: str, remedy: str = "") -> None:
        self.subject, self.expected, self.got, self.remedy = subject, expected, got, remedy
        super().__init__(f"{subject}: expected {expected}, got {got}" + (f"; {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[object, ...]:
        # BaseException rebuilds from `args` alone, which would lose the keyword arguments between processes.
        return _rebuild, (type(self), self.subject, self.expected, self.got, self.remedy)


def _rebuild(kind: type[UserError], subject: str, expected: str, got: str, remedy: str) -> UserError:
    return kind(subject, expected=expected, got=got, remedy=remedy)


class ShapeError(UserError):
    """A tensor of the wrong shape: names the layer or argument and what would fit."""


class ConfigError(UserError):
    """A setting that cannot be used: unknown name, value out of range, device that is not there."""


class DataError(UserError):
    """Data that cannot be read or learned from: missing or corrupt file, wrong label, empty class."""


class RunError(UserError):
    """A run folder or checkpoint that cannot be read or continued."""


class StorageError(UserError):
    """A disk that is full, read-only or not permitted."""


class NonFiniteError(UserError):
    """Learning met an infinite or undefined number and stopped before the update."""

    exit_code = 3
