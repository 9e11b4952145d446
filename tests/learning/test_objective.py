import torch

from neurarium.learning.objective import OBJECTIVES


def test_every_objective_falls_as_outputs_near_their_targets() -> None:
    targets = torch.tensor([0, 1, 2])
    right = torch.eye(3)
    for objective in OBJECTIVES.values():
        assert objective.loss(right, targets) < objective.loss(right.roll(1, 0), targets)
        assert int(objective.error(right, targets)) == 0
        assert int(objective.error(right.roll(1, 0), targets)) == 3
