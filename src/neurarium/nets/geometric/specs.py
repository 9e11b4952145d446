"""Nets of graphs, points and molecules as a recipe names them (no torch)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.refusals import check_at_least_one, check_dropout, other_input
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Field, Schema

_EDGES = Field((2, None), axis="edges", points_to="nodes")


@dataclass(frozen=True)
class GCNSpec(NetSpec):
    """Graph convolutional network of two layers. Raises ConfigError: no hidden unit, or a probability out of range."""

    summary: ClassVar[str] = "graph convolutional network: classes of the nodes of one graph, from a few that are known"

    hidden: int = 16
    """Units between the two layers."""
    dropout: float = 0.0
    """Probability of dropping an input or a hidden unit of a node while training, at least 0 and below 1."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "hidden")
        check_dropout(self.dropout)

    @classmethod
    def example(cls) -> Schema:
        """Nodes of 6 features in a graph, in 3 classes."""
        inputs = {"x": Field((None, 6), axis="nodes"), "edge_index": _EDGES, "node": Field((), points_to="nodes")}
        return Schema(inputs, {"label": Field((), tuple("abc"))})

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for nodes of a graph."""
        from neurarium.nets.geometric.gcn import GCN

        features = _features(schema, "gcn", "a graph and which of its nodes are asked about", 3)
        return GCN(features, self.hidden, schema.outputs, self.dropout)


@dataclass(frozen=True)
class GINSpec(NetSpec):
    """Graph isomorphism network. Raises ConfigError: a size below 1."""

    summary: ClassVar[str] = "graph isomorphism network: classes of whole graphs, by sums over neighbors and nodes"

    hidden: int = 32
    """Features of a node after each layer."""
    depth: int = 3
    """Layers."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "hidden", "depth")

    @classmethod
    def example(cls) -> Schema:
        """Graphs of nodes of 3 features, in 2 classes."""
        return Schema(
            {"x": Field((None, 3), axis="nodes"), "edge_index": _EDGES}, {"label": Field((), ("tree", "ring"))}
        )

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for graphs."""
        from neurarium.nets.geometric.gin import GIN

        features = _features(schema, "gin", "graphs, each with its nodes and edges", 2)
        return GIN(features, self.hidden, self.depth, schema.outputs)


@dataclass(frozen=True)
class PointNetSpec(NetSpec):
    """PointNet for parts. Raises ConfigError: a size below 2, or a penalty below 0."""

    summary: ClassVar[str] = "PointNet: the part to which each point of a set belongs, in whatever order"

    width: int = 64
    """Units of the layers that see a point by itself."""
    whole: int = 128
    """Numbers that describe the whole set."""
    penalty: float = 0.001
    """Weight of |I - A A^T|^2, for the matrix A that turns the points."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "width")
        if self.whole < 2:
            raise ConfigError("net.whole", expected="an integer >= 2", got=str(self.whole))
        if not 0 <= self.penalty < math.inf:
            raise ConfigError("net.penalty", expected="a number >= 0", got=str(self.penalty))

    @classmethod
    def example(cls) -> Schema:
        """Sets of points in space, each point on one of 4 parts."""
        parts = Field((None,), tuple("abcd"), axis="points")
        return Schema({"points": Field((None, 3), axis="points")}, {"part": parts})

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for points with a part each."""
        from neurarium.nets.geometric.pointnet import PointNet

        field = schema.input
        if len(schema.inputs) > 1 or field.shape != (None, 3) or field.categories:
            raise other_input("pointnet", "sets of points in space, of shape (points, 3)", schema)
        if schema.target.axis != field.axis or not schema.target.categories:
            raise ShapeError(
                "target",
                expected="a part for each point, for the net pointnet",
                got=schema.target.in_words(),
                remedy=f"give classes along the axis {field.axis}",
            )
        return PointNet(schema.outputs, self.width, self.whole, self.penalty)


@dataclass(frozen=True)
class PairPotentialSpec(NetSpec):
    """Potential of pairs of atoms. Raises ConfigError: no function of the distance, or a cutoff not above 0."""

    summary: ClassVar[str] = "pair potential: energy and forces of molecules from the distances of their atoms"
    task: ClassVar[str] = "energy-forces"

    basis: int = 32
    """Gaussians of the distance for each pair of species."""
    cutoff_radius: float = 6.0
    """Distance beyond which atoms do not see each other, in the units of the positions."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "basis")
        if not 0 < self.cutoff_radius < math.inf:
            raise ConfigError("net.cutoff_radius", expected="a number > 0", got=str(self.cutoff_radius))

    @classmethod
    def example(cls) -> Schema:
        """Molecules of four species, with energies and forces."""
        inputs = {
            "species": Field((None,), ("H", "C", "N", "O"), axis="atoms"),
            "positions": Field((None, 3), axis="atoms"),
            "pairs": Field((2, None), axis="pairs", points_to="atoms"),
        }
        return Schema(inputs, {"energy": Field(()), "forces": Field((None, 3), axis="atoms")})

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for molecules. Raises ShapeError: other inputs, or standardized positions: no distances."""
        from neurarium.nets.geometric.pair_potential import PairPotential

        names = list(schema.inputs)
        expected = "species, positions and pairs of atoms, in this order"
        if names != ["species", "positions", "pairs"] or not schema.input.categories:
            raise other_input("pair-potential", expected, schema)
        if schema.inputs["positions"].standardized:
            raise ShapeError(
                "positions",
                expected="in the units of the data",
                got="standardized ones",
                remedy="leave mean and std out",
            )
        return PairPotential(len(schema.input.categories), self.basis, self.cutoff_radius)


def _features(schema: Schema, net: str, expected: str, inputs: int) -> int:
    """Features of a node, of examples that are made of nodes and edges."""
    fields = list(schema.inputs.values())
    if len(fields) == inputs and fields[0].is_series:
        edges = fields[1]
        if edges.shape == (2, None) and edges.points_to == fields[0].axis:
            return fields[0].channels
    raise other_input(net, f"{expected}: nodes (nodes, features), edges (2, edges)", schema)
