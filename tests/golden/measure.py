"""What every recipe learns from a small stand-in in two epochs on one thread: the hash of its weights and its record.

    python tests/golden/measure.py OUT.json

writes the numbers of this tree under the key of this machine. Two commits that differ in structure alone give the same
file on the same machine; `tests/golden/compare.py` holds them beside each other.
"""

import dataclasses
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import torch

from neurarium.data.catalog import load
from neurarium.data.dataset import Dataset
from neurarium.data.drawn import drawn
from neurarium.data.scaling import Scaling
from neurarium.data.table import Table
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.recipes.catalog import RECIPES
from neurarium.record.choices import VARIABLE
from neurarium.record.events import EpochEnded
from neurarium.record.schema import Field, Schema
from neurarium.training.pretrained import Pretrained, role_of
from neurarium.training.recipe import Recipe
from neurarium.training.session import Session, build_session

SHAPES = {
    "mnist-5k": ((1, 28, 28), 10),
    "fashion-mnist": ((1, 28, 28), 10),
    "breast-cancer": ((30,), 2),
    "digits": ((1, 8, 8), 10),
    "diabetes": ((10,), 10),
    "mnist-4-9": ((1, 28, 28), 2),
    "ring-of-8": ((2,), 8),
}
COUNTS = (64, 20, 20)


def key() -> str:
    """What decides the bits: processor, release of torch, threads."""
    flags = sorted(name for name, there in torch.cpu.get_capabilities().items() if there is True)
    digest = hashlib.sha256(" ".join(flags).encode()).hexdigest()[:12]
    return f"cpu {digest}, torch {torch.__version__.split('+')[0]}, 1 thread"


def stand_in(recipe: Recipe) -> Dataset:
    """Noisy copies of one random pattern a class, in the shape of the recipe's data; else drawn examples.

    Where the recipe asks something else of the net than its spec, examples are some of the recipe's own.
    """
    if recipe.task != "auto":
        data = load(recipe.data)
        parts = [part.select(torch.arange(count)) for part, count in zip(data.parts().values(), COUNTS, strict=True)]
        return Dataset("toy", *parts, data.schema)
    if recipe.data not in SHAPES:
        parts = [drawn(recipe.net.example(), count, seed) for seed, count in enumerate(COUNTS)]
        return Dataset("toy", *parts, recipe.net.example())
    shape, classes = SHAPES[recipe.data]
    generator = torch.Generator().manual_seed(0)
    patterns = torch.randint(0, 256, (classes, *shape), generator=generator).float()
    pairs = []
    for count in COUNTS:
        targets = torch.arange(count) % classes
        noise = 60 * torch.randn(count, *shape, generator=generator)
        pairs.append(((0.5 * patterns[targets] + 64 + noise).clamp(0, 255).to(torch.uint8), targets))
    x = Scaling.fit(pairs[0][0]).field(Field(shape, value_range=(0.0, 255.0)))
    target = Field((), tuple(f"class {k}" for k in range(classes)))
    if recipe.data == "diabetes":  # a number to predict: the class, standardized
        numbers = Scaling.fit(pairs[0][1][:, None].double())
        target = numbers.field(Field((1,), names=("class",)))
        pairs = [(x, numbers.apply(t[:, None].double())) for x, t in pairs]
    schema = Schema({"x": x}, {"target": target})
    return Dataset("toy", *(Table((x,), (t,), schema) for x, t in pairs), schema)


def cases() -> dict[str, Recipe]:
    """Every recipe, and settings that no recipe has."""
    found = {name: make() for name, make in RECIPES.items()}
    mlp, lenet5 = found["mlp"], found["lenet5"]
    change = dataclasses.replace
    plain = change(mlp, augmentation=Augmentation())
    found |= {
        "mlp, mixup and noise": change(mlp, augmentation=Augmentation(noise=0.1, mixup=0.2)),
        "mlp, plateau": change(mlp, schedule=Schedule("plateau", patience=1)),
        "mlp, hessian-free": change(plain, optimizer=Optimizer("hessian-free"), schedule=Schedule(), batch_size=32),
        "mlp, explicit": change(mlp, gradients="explicit", clip_norm=1.0),
        "mlp, hinge, balanced": change(mlp, loss=Loss("hinge", balanced=True)),
        "mlp, smoothed": change(mlp, loss=Loss(smoothing=0.1)),
        "mlp, bfloat16": change(mlp, precision="bfloat16"),
        "lenet5, in parts": change(lenet5, micro_batches=3),
        "rbm, cd": change(found["rbm"], net=change(found["rbm"].net, persistent=False)),
    }
    settings = {"threads": 1, "device": "cpu", "epochs": 2}
    return {
        name: change(plan, **settings, precision="float32" if plan.precision == "auto" else plan.precision)
        for name, plan in found.items()
    }


def begin(recipe: Recipe) -> Session:
    """A session in memory; what a recipe stands on has learned for an epoch."""
    data = stand_in(recipe)
    if not recipe.pretrained or role_of(recipe) == "judge":
        return build_session(dataclasses.replace(recipe, pretrained=""), data)
    below = begin(dataclasses.replace(RECIPES[recipe.pretrained](), threads=1, device="cpu", epochs=1))
    list(below.events())
    return build_session(recipe, data, pretrained=Pretrained(recipe.pretrained, below.net, data.schema))


def numbers_of(recipe: Recipe) -> dict[str, Any]:
    """Hash of the final weights, and a row of floats an epoch."""
    session = begin(recipe)
    ends = [event for event in session.events() if isinstance(event, EpochEnded)]
    digest = hashlib.sha256()
    for tensor in session.net.state_dict().values():
        digest.update(tensor.contiguous().numpy().tobytes())
    rows = [[*end.train.values(), *end.validation.values(), end.gradient_norm, end.learning_rate] for end in ends]
    return {"weights": digest.hexdigest(), "epochs": rows}


def measure() -> dict[str, Any]:
    """The numbers of every case."""
    torch.set_num_threads(1)
    os.environ[VARIABLE] = "matrix_products=onednn"  # as the tests fix it
    return {name: numbers_of(recipe) for name, recipe in cases().items()}


if __name__ == "__main__":
    path = Path(sys.argv[1])
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(known | {key(): measure()}, indent=1) + "\n")
