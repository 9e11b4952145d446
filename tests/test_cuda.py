"""Every recipe on CUDA: learn, stop, resume, measure, answer, make ready for answers, export; skipped without it."""

import contextlib
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

import neurarium
import neurarium.api
from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.interfaces import Generative
from neurarium.recipes.catalog import RECIPES
from neurarium.record.events import Stepped
from neurarium.tasks.task import Task
from neurarium.training.interrupt import StopRequest
from neurarium.training.pretrained import copy_run, pretrained_folder
from neurarium.training.recipe import Checkpoints, Recipe
from neurarium.training.session import create_run_folder, resume, start

from .contract import few

# some backward passes have no deterministic form, which torch says
pytestmark = [
    pytest.mark.more,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    pytest.mark.filterwarnings("ignore:.*deterministic implementation"),
]
SEEN = (24, 8, 8)


def on_cuda(name: str) -> Recipe:
    recipe = dataclasses.replace(RECIPES[name](), device="cuda", epochs=2, batch_size=9)
    return dataclasses.replace(recipe, checkpoints=Checkpoints(seconds=1e9))


def begin(recipe: Recipe, data, folder: Path):  # type: ignore[no-untyped-def]
    """A session in a folder, on the finished run of an epoch that it may stand on."""
    if not recipe.pretrained:
        return start(recipe, folder, data)
    below = folder.with_name(f"{folder.name}-below")
    list(begin(dataclasses.replace(on_cuda(recipe.pretrained), epochs=1), data, below).events())
    create_run_folder(recipe, folder, data)
    copy_run(below, pretrained_folder(folder))
    return resume(folder, recipe, data)


@pytest.mark.parametrize("name", RECIPES)
def test_learns_and_resumes_to_the_bit(name: str, tmp_path: Path) -> None:
    recipe = on_cuda(name)
    data = few(recipe, SEEN)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        whole = begin(recipe, data, tmp_path / "whole")
        assert all(p.device.type == "cuda" for p in whole.net.parameters())
        steps = [event.step for event in whole.events() if isinstance(event, Stepped)]
        request = StopRequest()
        for event in begin(recipe, data, tmp_path / "cut").events(request):
            if isinstance(event, Stepped) and event.step == max(1, len(steps) - 1):
                request()
        second = resume(tmp_path / "cut", recipe, data)
        list(second.events())
    finally:
        torch.use_deterministic_algorithms(False)
    expected = whole.net.state_dict()
    for key, tensor in second.net.state_dict().items():
        assert torch.equal(expected[key], tensor), key


@pytest.mark.parametrize("name", RECIPES)
def test_measures_answers_and_exports(name: str, tmp_path: Path) -> None:
    recipe = dataclasses.replace(on_cuda(name), epochs=1)
    data = few(recipe, SEEN)
    list(begin(recipe, data, tmp_path / "run").events())
    run = neurarium.load(tmp_path / "run", device="cuda")
    scores = neurarium.api.write_results(run, data)
    assert scores is not None
    assert (tmp_path / "run" / "report.html").exists()
    examples = data.test.select(torch.arange(4))
    if type(run.task()).predict is not Task.predict:
        here = neurarium.load(tmp_path / "run", device="cpu")
        found, expected = run.predict(examples), here.predict(examples)
        np.testing.assert_allclose(found.values, expected.values, rtol=2e-2, atol=2e-3)
    if isinstance(run.net, Generative):
        assert run.sample(3, steps=2).device.type == "cpu"
    with contextlib.suppress(ConfigError, ShapeError):
        run.for_inference().predict(examples)
    assert neurarium.export(run, "safetensors", tmp_path / "weights.safetensors").stat().st_size > 0
    with contextlib.suppress(ConfigError, ShapeError):
        neurarium.export(run, "torch-export", tmp_path / "model.pt2")
