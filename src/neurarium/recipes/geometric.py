"""Complete runs on graphs, points and molecules."""

from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.geometric.specs import GCNSpec, GINSpec, PairPotentialSpec, PointNetSpec
from neurarium.training.recipe import Recipe


def karate_gcn() -> Recipe:
    """Which club 34 friends chose when theirs split, from four who said so."""
    return Recipe(
        name="karate-gcn",
        net=GCNSpec(hidden=16, dropout=0.5),
        data="karate",
        optimizer=Optimizer("adam", lr=1e-2, l2=5e-4),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=200,
        batch_size=4,
    )


def rings_gin() -> Recipe:
    """Small graphs with a ring told from trees."""
    return Recipe(
        name="rings-gin",
        net=GINSpec(hidden=32, depth=3),
        data="rings-and-trees",
        optimizer=Optimizer("adam", lr=1e-2),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=200,
        batch_size=32,
    )


def furniture_pointnet() -> Recipe:
    """Legs, tops, seats and shades found on tables, chairs and lamps of points."""
    return Recipe(
        name="furniture-pointnet",
        net=PointNetSpec(),
        data="furniture",
        optimizer=Optimizer("adam", lr=4e-3),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=20,
        batch_size=16,
    )


def ethanol_pairs() -> Recipe:
    """Energies and forces of a molecule of ethanol from the distances of its atoms."""
    return Recipe(
        name="ethanol-pairs",
        net=PairPotentialSpec(basis=32, cutoff_radius=6.0),
        data="ethanol",
        optimizer=Optimizer("adam", lr=0.1),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=40,
        batch_size=20,
    )
