"""scikit-learn's MLPClassifier: `partial_fit`, an epoch at a time, float32, no weight decay, no early stopping."""

import numpy as np
from images import CLASSES, Images
from protocol import BATCH, HIDDEN, RATE, SEED, serve
from sklearn.neural_network import MLPClassifier


class ScikitLearn:
    """Classifier and arrays."""

    def __init__(self, images: Images, net: str) -> None:
        assert net == "mlp", "scikit-learn has no convolutional nets"
        self.train = images.scaled_train().reshape(len(images.train), -1)
        self.test = images.scaled_test().reshape(len(images.test), -1)
        self.images = images
        self.classifier = MLPClassifier(
            HIDDEN, solver="adam", alpha=0.0, batch_size=BATCH, learning_rate_init=RATE, random_state=SEED
        )

    def epoch(self) -> None:
        """One epoch of `partial_fit`."""
        self.classifier.partial_fit(self.train, self.images.train_targets, classes=np.arange(CLASSES))

    def accuracy(self) -> float:
        """On the test images."""
        return float((self.classifier.predict(self.test) == self.images.test_targets).mean())


if __name__ == "__main__":
    serve(ScikitLearn)
