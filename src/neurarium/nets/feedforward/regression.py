"""Regression models as nets: affine maps, whose loss decides what their numbers mean.

    linear        a = W x + b                          least squares, ridge; softmax regression with cross-entropy
    logistic      a = (0, w_2 x + b_2, ..., w_K x + b_K)   log-odds against the first class

With two classes the softmax of the logistic net's outputs is (1 - s, s), s = sigmoid(w x + b): logistic regression with
its one row of weights. The linear net has a row for every class, of which one is too many: adding the same vector to
all rows changes no probability. A penalty |W|^2 makes its rows unique, and they then sum to 0.

Both can be fitted by gradients like any net, or by `training.rules.closed_form`, which needs a net of the form
`interfaces.LinearInParameters`: fixed features, one affine layer, and outputs that follow from it.

Source: A.-M. Legendre, "Nouvelles methodes pour la determination des orbites des cometes", 1805; D. Cox, "The
regression analysis of binary sequences", 1958.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.checks import ConfigError
from neurarium.nets.interfaces import LinearInParameters
from neurarium.nets.parts.flat import flat
from neurarium.nets.parts.initial import initialize_layer_


def log_odds(a: Float[Tensor, "batch rows"]) -> Float[Tensor, "batch classes"]:
    """Put the first class's score, which is 0, before those of the others."""
    return F.pad(a, (1, 0))


class LinearModel(nn.Module, LinearInParameters):
    """The affine map W x + b. Raises ConfigError: no inputs or no outputs."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.head = affine(inputs, outputs)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Outputs of a batch; an example of any shape is flattened."""
        return self.head(self.features(x))

    def features(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch inputs"]:
        """The inputs, a row an example."""
        return flat(x, self.inputs, "layer head")

    def outputs(self, a: Float[Tensor, "batch rows"]) -> Float[Tensor, "batch rows"]:
        """What the affine layer says."""
        return a


class LogisticModel(nn.Module, LinearInParameters):
    """Log-odds of each class against the first: logistic regression for two. Raises ConfigError: one class."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        if classes < 2:
            raise ConfigError("outputs of the net logistic", expected="two classes or more", got=str(classes))
        self.inputs = inputs
        self.head = affine(inputs, classes - 1)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch classes"]:
        """Log-odds of a batch; an example of any shape is flattened."""
        return self.outputs(self.head(self.features(x)))

    def features(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch inputs"]:
        """The inputs, a row an example."""
        return flat(x, self.inputs, "layer head")

    def outputs(self, a: Float[Tensor, "batch rows"]) -> Float[Tensor, "batch classes"]:
        """The first class's 0 before what the affine layer says."""
        return log_odds(a)


def affine(inputs: int, outputs: int) -> nn.Linear:
    """Make an affine layer, weights of variance 1 / inputs, intercepts 0. Raises ConfigError: no inputs or outputs."""
    if inputs < 1 or outputs < 1:
        raise ConfigError("affine layer", expected="at least one input and one output", got=f"{inputs} and {outputs}")
    layer = nn.Linear(inputs, outputs)
    initialize_layer_(layer, "lecun")
    return layer
