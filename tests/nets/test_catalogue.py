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
    body = ast.parse(textwrap.dedent(inspect.getsource(NETS[name]))).body[0]
    assert isinstance(body, ast.ClassDef)
    explained = {
        field.target.id
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
    assert {field.name for field in dataclasses.fields(NETS[name])} <= explained
