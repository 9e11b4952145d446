"""`neurarium export` on nets that torch can write down as a graph and on those that it cannot."""

from dataclasses import replace
from pathlib import Path

import pytest

from neurarium import api
from neurarium.cli.main import main
from neurarium.data.dataset import Dataset
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.recurrent.specs import PooledSeriesSpec
from neurarium.nets.spec import NetSpec
from neurarium.training.recipe import Recipe
from neurarium.training.seed import own_generators
from neurarium.training.session import start


def trained(folder: Path, net: NetSpec, data: Dataset) -> str:
    # settings that the rule of each net follows
    plain = api.recipe("hopfield") if net.rule == "storage" else Recipe()
    recipe = replace(plain, net=net, epochs=1, batch_size=20, threads=1, device="cpu")
    with own_generators():
        list(start(recipe, folder / "run", data).events())
    return str(folder / "run")


@pytest.mark.parametrize(
    ("kind", "net", "says"),
    [
        ("vectors", HopfieldSpec(patterns=2), "got AssociativeMemory, which torch cannot trace; --to safetensors"),
        ("series", PooledSeriesSpec(hidden=4), "one tensor of numbers, of the same shape for every example"),
    ],
)
def test_what_no_graph_holds_is_refused_in_a_sentence(
    kind: str,
    net: NetSpec,
    says: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    run = trained(tmp_path, net, request.getfixturevalue(kind))
    capfd.readouterr()
    assert main(["export", run, "--out", str(tmp_path / "model.pt2")]) == 2
    said = capfd.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "model.pt2").exists()
    assert main(["export", run, "--to", "safetensors", "--out", str(tmp_path / "m.safetensors")]) == 0
    assert (tmp_path / "m.safetensors").stat().st_size > 100
