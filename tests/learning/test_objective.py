from typing import get_args

import torch

from neurarium.learning.objective import Objective, ObjectiveName


def test_every_objective_falls_as_outputs_near_their_targets() -> None:
    targets = torch.tensor([0, 1, 2])
    right = torch.eye(3)
    for name in get_args(ObjectiveName):
        objective = Objective(name).build()
        assert objective.loss(right, targets, right) < objective.loss(right.roll(1, 0), targets, right)
        assert int(objective.error(right, targets)) == 0
        assert int(objective.error(right.roll(1, 0), targets)) == 3
