"""neurarium: every neural network of a university course, readable, fast and verified.

    import neurarium
    run = neurarium.train(neurarium.recipe("lenet5"))
    print(run.evaluate(neurarium.load_data("mnist-5k")).accuracy)
    print(run.predict(pixels).labels)
    neurarium.plot(run)

Names are loaded when they are first used, so that the import costs nothing and the command line starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from neurarium.api import compare, dataset_from, load, load_data, plot, recipe, remake_report, resume, train
    from neurarium.estimator import NeuralClassifier as NeuralClassifier
    from neurarium.estimator import NeuralRegressor as NeuralRegressor
    from neurarium.learning.trace import trace
    from neurarium.sweeps.result import SweepResult
    from neurarium.sweeps.sweep import sweep
    from neurarium.training.export import export
    from neurarium.training.rate_finder import find_rate
    from neurarium.training.recipe import Recipe
    from neurarium.training.run import Run

_HOMES = {
    "compare": "neurarium.api",
    "dataset_from": "neurarium.api",
    "load": "neurarium.api",
    "load_data": "neurarium.api",
    "plot": "neurarium.api",
    "recipe": "neurarium.api",
    "remake_report": "neurarium.api",
    "resume": "neurarium.api",
    "train": "neurarium.api",
    "sweep": "neurarium.sweeps.sweep",
    "SweepResult": "neurarium.sweeps.result",
    "trace": "neurarium.learning.trace",
    "find_rate": "neurarium.training.rate_finder",
    "export": "neurarium.training.export",
    "NeuralClassifier": "neurarium.estimator",
    "NeuralRegressor": "neurarium.estimator",
    "Recipe": "neurarium.training.recipe",
    "Run": "neurarium.training.run",
}

# NeuralClassifier and NeuralRegressor need scikit-learn, an extra: they are there by name, not for `import *`
__all__ = [
    "Recipe",
    "Run",
    "SweepResult",
    "compare",
    "dataset_from",
    "export",
    "find_rate",
    "load",
    "load_data",
    "plot",
    "recipe",
    "remake_report",
    "resume",
    "sweep",
    "trace",
    "train",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'neurarium' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
