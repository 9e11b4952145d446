"""Nets for scikit-learn: an estimator that fits, predicts and takes part in pipelines and searches like any other."""

from neurarium.checks import ConfigError

try:
    from neurarium.estimator.classifier import NeuralClassifier
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "sklearn":
        raise
    raise ConfigError(
        "NeuralClassifier",
        expected="the package scikit-learn",
        got="an environment without it",
        remedy="pip install 'neurarium[sklearn]'",
    ) from error

__all__ = ["NeuralClassifier"]
