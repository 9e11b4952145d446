"""Keras 3 with the back end that KERAS_BACKEND names: `fit` on NumPy arrays in memory, no metrics beside the loss.

Tuned: layout of the images that the back end computes fastest in; with jax, compiled steps (the default there) and 32
steps for each look of the callbacks. torch's back end is uncompiled by default, and takes one step at a time only.
"""

import os

import keras
import numpy as np
from images import CLASSES, Images
from protocol import BATCH, HIDDEN, RATE, SEED, serve

STEPS_AT_ONCE = {"jax": 32, "torch": 1}
LAYOUT = {"jax": "channels_last", "torch": "channels_first"}


def keras_net(name: str, layout: str) -> keras.Model:
    """Build the MLP or LeNet-5 for images of one channel."""
    layers = keras.layers
    shape = (28, 28, 1) if layout == "channels_last" else (1, 28, 28)
    if name == "mlp":
        hidden = [layers.Dense(units, activation="relu") for units in HIDDEN]
        return keras.Sequential([keras.Input(shape), layers.Flatten(), *hidden, layers.Dense(CLASSES)])
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(6, 5, padding="same", activation="relu", data_format=layout),
            layers.MaxPooling2D(2, data_format=layout),
            layers.Conv2D(16, 5, activation="relu", data_format=layout),
            layers.MaxPooling2D(2, data_format=layout),
            layers.Flatten(data_format=layout),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(CLASSES),
        ]
    )


class KerasFit:
    """Model and arrays."""

    def __init__(self, images: Images, net: str) -> None:
        keras.utils.set_random_seed(SEED)
        backend = keras.backend.backend()
        assert backend == os.environ["KERAS_BACKEND"], backend
        channel = -1 if LAYOUT[backend] == "channels_last" else 1
        self.train = np.expand_dims(images.scaled_train(), channel)
        self.test = np.expand_dims(images.scaled_test(), channel)
        self.images = images
        self.model = keras_net(net, LAYOUT[backend])
        self.model.compile(
            optimizer=keras.optimizers.Adam(RATE),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            steps_per_execution=STEPS_AT_ONCE[backend],
        )

    def epoch(self) -> None:
        """One epoch of `fit`."""
        self.model.fit(self.train, self.images.train_targets, batch_size=BATCH, epochs=1, verbose=0)

    def accuracy(self) -> float:
        """On the test images."""
        answers = self.model.predict(self.test, batch_size=1000, verbose=0).argmax(1)
        return float((answers == self.images.test_targets).mean())


if __name__ == "__main__":
    serve(KerasFit)
