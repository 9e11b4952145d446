"""scikit-learn's MLPClassifier: `partial_fit`, an epoch at a time, float32, no weight decay, no early stopping."""

import numpy as np
from pictures import CLASSES, Pictures
from protocol import BATCH, HIDDEN, RATE, SEED, serve
from sklearn.neural_network import MLPClassifier


class ScikitLearn:
    """Classifier and arrays."""

    def __init__(self, pictures: Pictures, net: str) -> None:
        assert net == "mlp", "scikit-learn has no convolutional nets"
        self.train = pictures.scaled_train().reshape(len(pictures.train), -1)
        self.test = pictures.scaled_test().reshape(len(pictures.test), -1)
        self.pictures = pictures
        self.classifier = MLPClassifier(
            HIDDEN, solver="adam", alpha=0.0, batch_size=BATCH, learning_rate_init=RATE, random_state=SEED
        )

    def epoch(self) -> None:
        """One epoch of `partial_fit`."""
        self.classifier.partial_fit(self.train, self.pictures.train_targets, classes=np.arange(CLASSES))

    def accuracy(self) -> float:
        """On the test pictures."""
        return float((self.classifier.predict(self.test) == self.pictures.test_targets).mean())


if __name__ == "__main__":
    serve(ScikitLearn)
