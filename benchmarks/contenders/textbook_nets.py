"""MLP 784-256-256-10 and LeNet-5 (6-16-120-84-10) as tutorials write them: convolution, ReLU, pooling."""

from protocol import HIDDEN
from torch import nn


def textbook_net(name: str) -> nn.Module:
    """Build one of the two nets, with torch's own first weights."""
    first, second = HIDDEN
    if name == "mlp":
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(28 * 28, first),
            nn.ReLU(),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Linear(second, 10),
        )
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
