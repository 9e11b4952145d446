import ast
import dataclasses
import inspect
import textwrap

import pytest

from neurarium.nets.catalogue import NETS
from neurarium.nets.spec import NetSpec


@pytest.mark.parametrize("name", NETS)
def test_entry_is_a_spec_with_defaults_and_one_line(name: str) -> None:
    spec = NETS[name]()
    assert isinstance(spec, NetSpec)
    assert spec == NETS[name]()
    assert spec.summary
    assert "\n" not in spec.summary


@pytest.mark.parametrize("name", NETS)
def test_every_field_is_explained(name: str) -> None:
    kinds = [kind for kind in NETS[name].__mro__ if issubclass(kind, NetSpec)]
    bodies = [ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0] for kind in kinds]
    explained = {
        field.target.id
        for body in bodies
        if isinstance(body, ast.ClassDef)
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
    assert {field.name for field in dataclasses.fields(NETS[name])} <= explained
