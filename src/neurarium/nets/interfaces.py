"""What nets of one kind can do: tasks, rules and figures ask for these, never for a net by its name.

A net derives from them beside `nn.Module`; `nets.expect.expect` asks for one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from neurarium.nets.connectionist.retrieval import Retrieval
from neurarium.nets.generative.corruption import Corruption


class Generative(ABC):
    """Makes examples."""

    @abstractmethod
    def sample(self, count: int, seed: int = 0, steps: int = 1000) -> Float[Tensor, "count *shape"]:
        """Make examples in the net's own scaled units, on its device; mode and torch's generators stay as they were.

        `steps` are those of a Markov chain. Raises ConfigError: `count` or `steps` below 1.
        """


class Paired(ABC):
    """Has a part that makes examples and that a call does not meet; a call is the other part's answer to examples."""

    @abstractmethod
    def make(self, count: int) -> Float[Tensor, "count *shape"]:
        """Let the part make so many examples from torch's own generator, with gradient."""


class Reconstructing(ABC):
    """Takes examples through a narrow code and back."""

    @property
    @abstractmethod
    def code_size(self) -> int:
        """How many numbers the code holds."""

    @property
    @abstractmethod
    def corruption(self) -> Corruption | None:
        """What damages the examples in training; none where they stay as they are."""

    @abstractmethod
    def damaged(self, x: Float[Tensor, "batch *shape"], seed: int = 0) -> Float[Tensor, "batch *shape"]:
        """Damage examples as training does, the same way for the same seed; as they are where nothing damages them."""


@dataclass(frozen=True)
class Density:
    """How likely a model holds examples, beside models without structure; likelihoods in nats."""

    log_likelihood: float  # mean log-probability of an example (log-density, where units are real numbers)
    # between which log Z lies
    low: float
    high: float
    chains: int  # by which it was estimated
    effective_chains: float  # of how many equally weighted ones that is worth
    independent_log_likelihood: float  # by independent units with the training examples' frequencies, or means
    reconstruction_error: float  # mean squared difference of a unit to its mean after a step down from the hidden ones
    error_of_mean: float  # the same for the mean of the training examples


class DensityModel(ABC):
    """Says how likely examples are; visible units stand for an example, hidden ones for what it is made of."""

    visible: str  # kind of the visible units: "bernoulli" (0 and 1) or "gaussian"
    weight: Tensor  # couplings (hidden, visible)

    @abstractmethod
    def units(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch visible"]:
        """Visible units of examples."""

    @abstractmethod
    def reconstruct(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch visible"]:
        """Mean of the visible units given the hidden ones of examples."""

    @abstractmethod
    def density(self, x: Float[Tensor, "batch *shape"], train: Float[Tensor, "training *shape"]) -> Density:
        """How likely examples on the device of the net are, beside those it has learned from: the same every time."""


class Memory(ABC):
    """Keeps patterns of -1 and +1 and recalls them from damaged ones."""

    shape: tuple[int, ...]  # of one example
    storage: str  # rule by which patterns become a memory
    patterns: Tensor  # room for all that can be kept, a row a pattern
    units: Callable[[Tensor], Tensor]  # turns examples into states of -1 and +1, in rows

    @property
    @abstractmethod
    def kept(self) -> Float[Tensor, "stored neurons"]:
        """The patterns stored so far, in the order in which they came."""

    @abstractmethod
    def store(self, x: Float[Tensor, "batch *shape"]) -> int:
        """Store the first examples of a batch, as many as there is room for; return how many."""

    @abstractmethod
    def recall(
        self, probes: Float[Tensor, "probes neurons"], *, seed: int = 0, sweeps: int = 100, trace: bool = False
    ) -> Retrieval:
        """Let states come to rest."""

    @abstractmethod
    def energy(self, states: Float[Tensor, "probes neurons"]) -> Float[Tensor, "probes"]:
        """Energy of each state, in float64."""

    @abstractmethod
    def capacity_notice(self, patterns: int | None = None) -> str | None:
        """Say whether so many patterns, or as many as there is room for, are more than the memory holds."""


class Layered(ABC):
    """Is a chain of modules: net(x) = layers(entering(x)), and nothing beside."""

    layers: nn.Sequential  # the modules

    @abstractmethod
    def entering(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """What the first layer sees: the inputs as they are, or each flattened. Raises ShapeError: others."""


class Hyperplane(ABC):
    """Tells two classes apart by the side of a hyperplane on which an example lies."""

    weight: Tensor  # w, one number a feature
    bias: Tensor  # b

    @abstractmethod
    def score(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch"]:
        """w . x + b: above 0 for the second class."""


class LinearInParameters(ABC):
    """Has one trainable layer, which is affine: outputs(head(features(x)))."""

    head: nn.Linear  # that layer

    @abstractmethod
    def features(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch features"]:
        """What the affine layer sees; nothing in it learns."""

    @abstractmethod
    def outputs(self, a: Float[Tensor, "batch rows"]) -> Float[Tensor, "batch outputs"]:
        """What the net answers, from what the affine layer says."""
