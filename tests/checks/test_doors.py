"""What the doors let through: no error of ours hides in a net wide enough for all."""

import ast
from pathlib import Path

import neurarium

SOURCES = sorted(Path(neurarium.__file__).parent.rglob("*.py"))
ALL = {"Exception", "BaseException"}


def wide(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(one is None or (isinstance(one, ast.Name) and one.id in ALL) for one in caught)


def suppresses(node: ast.AST) -> bool:
    named = isinstance(node, ast.Call) and ast.unparse(node.func) in ("suppress", "contextlib.suppress")
    return named and any(ast.unparse(one) in ALL for one in node.args)  # type: ignore[attr-defined]


def test_no_door_catches_every_exception() -> None:
    found = [
        f"{path.name}:{node.lineno}"  # type: ignore[attr-defined]
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ExceptHandler) and wide(node)) or suppresses(node)
    ]
    assert len(SOURCES) > 100
    assert found == []


def test_the_test_sees_what_it_should() -> None:
    for text in ("except Exception:", "except:", "except (OSError, BaseException) as error:"):
        (handler,) = (n for n in ast.walk(ast.parse(f"try: pass\n{text} pass")) if isinstance(n, ast.ExceptHandler))
        assert wide(handler)
