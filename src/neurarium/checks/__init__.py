"""Errors that a user can act on, and the small checks that raise them (no torch)."""

from neurarium.checks.errors import (
    ConfigError,
    DataError,
    NonFiniteError,
    RunError,
    ShapeError,
    StorageError,
    UserError,
)
from neurarium.checks.names import choose, one_of, suggest

__all__ = [
    "ConfigError",
    "DataError",
    "NonFiniteError",
    "RunError",
    "ShapeError",
    "StorageError",
    "UserError",
    "choose",
    "one_of",
    "suggest",
]
