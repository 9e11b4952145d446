from pathlib import Path

import numpy as np
import pytest

from neurarium import api
from neurarium.cli.main import main
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import GANSpec
from neurarium.nets.recurrent.recurrent_spec import RecurrentSpec
from neurarium.nets.spec import NetSpec
from neurarium.training.recipe import Recipe

pytestmark = pytest.mark.usefixtures("undrawn")


def trained(folder: Path, spec: NetSpec, data: str) -> Path:
    recipe = Recipe(net=spec, data=data, epochs=1, batch_size=1000, threads=1, device="cpu")
    api.train(recipe, out=folder / "run", progress=False)
    return folder / "run"


def test_points_of_a_gan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = trained(tmp_path, GANSpec(latent_dim=2, hidden=(8,)), "ring-of-8"), tmp_path / "points.npz"
    assert main(["sample", str(run), "--count", "7", "--out", str(out)]) == 0
    assert "7 examples written" in capsys.readouterr().out
    points = np.load(out)["X"]
    assert points.shape == (7, 2)
    np.testing.assert_array_equal(points, api.load(run).sample(7).numpy())
    assert not np.array_equal(points, api.load(run).sample(7, seed=1).numpy())
    assert main(["sample", str(run), "--out", str(tmp_path / "points.png")]) == 2
    assert "no images" in capsys.readouterr().err


@pytest.mark.more
def test_pictures_of_a_machine_are_in_the_units_of_the_data(tmp_path: Path) -> None:
    run, out = trained(tmp_path, RBMSpec(hidden=4), "mnist-5k"), tmp_path / "dreams.png"
    made = api.load(run).sample(3, steps=5)
    assert made.shape == (3, 1, 28, 28)
    # hardly trained: every pixel near the mean of the data, from which the machine begins
    mean = api.load_data("mnist-5k").train.inputs[0].float().mean()
    assert made.mean().item() == pytest.approx(mean.item(), rel=0.1)
    assert 0 <= made.min() < made.max() <= 255
    assert main(["sample", str(run), "--count", "3", "--steps", "5", "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_sampled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained(tmp_path, MLPSpec(hidden=(4,)), "iris")
    assert main(["sample", str(run), "--out", str(tmp_path / "x.npz")]) == 2
    assert "a net that makes examples: gan, dcgan or rbm" in capsys.readouterr().err
    assert main(["sample", str(run), "--out", "x.jpg"]) == 2
    assert "a .png or .npz file" in capsys.readouterr().err


def test_a_text_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat. " * 100, encoding="utf-8")
    recipe = Recipe(
        net=RecurrentSpec(hidden=4, embedding_dim=4), task="language-model", data=str(text), epochs=1, threads=1
    )
    api.train(recipe, out=tmp_path / "run", progress=False)
    arguments = ["sample", str(tmp_path / "run"), "--prompt", "the c", "--length", "30"]
    assert main(arguments) == 0
    said = capsys.readouterr().out.rstrip("\n")
    assert said.startswith("the c")
    assert len(said) == 35
    assert main([*arguments[:3], "THE"]) == 2
    assert "were learned, got 'T'" in capsys.readouterr().err
