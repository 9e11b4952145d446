"""The laws that each net of `nets.catalogue` declares, by its name there; the tests hold every net to them."""

from neurarium.symmetry.laws import Law
from neurarium.symmetry.permutation import BATCH, HIDDEN_UNITS
from neurarium.symmetry.shift import SHIFT_OF_FEATURES

LAWS: dict[str, tuple[Law, ...]] = {
    "mlp": (BATCH, HIDDEN_UNITS),
    "linear": (BATCH,),
    "logistic": (BATCH,),
    "random-features": (BATCH,),
    "residual-mlp": (BATCH,),
    "neocognitron": (BATCH,),
    "features": (BATCH,),
    "perceptron": (BATCH,),
    "hopfield": (BATCH,),
    "rbm": (BATCH,),
    "autoencoder": (BATCH, HIDDEN_UNITS),
    "convolutional-autoencoder": (BATCH,),
    "gan": (BATCH,),
    "dcgan": (BATCH,),
    "lenet5": (BATCH, HIDDEN_UNITS, SHIFT_OF_FEATURES),
    "lenet5-1998": (BATCH, HIDDEN_UNITS, SHIFT_OF_FEATURES),
    "alexnet-small": (BATCH, HIDDEN_UNITS),
    "vgg-small": (BATCH, HIDDEN_UNITS),
    "resnet": (BATCH,),
    "plain": (BATCH,),
    "densenet": (BATCH,),
}
