"""All recipes by name."""

from collections.abc import Callable, Mapping

from neurarium.recipes.bottleneck import bottleneck_features, bottleneck_mlp
from neurarium.recipes.clips import moving_digits_conv3d, moving_digits_conv_lstm, moving_digits_next
from neurarium.recipes.connectionist import hopfield, perceptron, rbm
from neurarium.recipes.convolutional import lenet5, lenet5_1998, lenet5_fashion, neocognitron
from neurarium.recipes.deep import alexnet_small, densenet40, plain20, plain56, resnet20, resnet56, vgg_small
from neurarium.recipes.distillation import distilled_mlp, small_mlp
from neurarium.recipes.feedforward import mlp, mlp_diabetes, mlp_fashion, residual_mlp
from neurarium.recipes.generative import autoencoder, dcgan, denoising_autoencoder, gan
from neurarium.recipes.geometric import ethanol_pairs, furniture_pointnet, karate_gcn, rings_gin
from neurarium.recipes.linear_recurrences import (
    fashion_pixels_lru,
    fashion_pixels_min_gru,
    fashion_rows_lru,
    vowels_lru,
    vowels_min_gru,
    vowels_min_lstm,
)
from neurarium.recipes.recurrent import (
    digit_count,
    genesis_lm,
    pronounce,
    pronounce_plain,
    spelled_numbers,
    spoken_words,
    vowels,
    vowels_dfsmn,
    vowels_elman,
    vowels_fsmn,
    vowels_gru,
    vowels_lstm,
    vowels_tdnn,
)
from neurarium.recipes.regression import least_squares, logistic, random_features, ridge, ridge_diabetes, softmax
from neurarium.recipes.series import adding_lstm, co2_lstm, copying_gru, genesis_lstm, sunspots_gru, tagger
from neurarium.training.recipe import Recipe

RECIPES: Mapping[str, Callable[[], Recipe]] = {
    "lenet5": lenet5,
    "lenet5-fashion": lenet5_fashion,
    "lenet5-1998": lenet5_1998,
    "mlp": mlp,
    "mlp-fashion": mlp_fashion,
    "mlp-diabetes": mlp_diabetes,
    "residual-mlp": residual_mlp,
    "small-mlp": small_mlp,
    "distilled-mlp": distilled_mlp,
    "bottleneck-mlp": bottleneck_mlp,
    "bottleneck-features": bottleneck_features,
    "least-squares": least_squares,
    "ridge": ridge,
    "ridge-diabetes": ridge_diabetes,
    "logistic": logistic,
    "softmax": softmax,
    "random-features": random_features,
    "neocognitron": neocognitron,
    "alexnet-small": alexnet_small,
    "vgg-small": vgg_small,
    "resnet20": resnet20,
    "plain20": plain20,
    "resnet56": resnet56,
    "plain56": plain56,
    "densenet40": densenet40,
    "perceptron": perceptron,
    "hopfield": hopfield,
    "rbm": rbm,
    "autoencoder": autoencoder,
    "denoising-autoencoder": denoising_autoencoder,
    "gan": gan,
    "dcgan": dcgan,
    "vowels": vowels,
    "vowels-elman": vowels_elman,
    "vowels-lstm": vowels_lstm,
    "vowels-gru": vowels_gru,
    "vowels-min-gru": vowels_min_gru,
    "vowels-min-lstm": vowels_min_lstm,
    "vowels-lru": vowels_lru,
    "fashion-rows-lru": fashion_rows_lru,
    "fashion-pixels-lru": fashion_pixels_lru,
    "fashion-pixels-min-gru": fashion_pixels_min_gru,
    "adding-lstm": adding_lstm,
    "copying-gru": copying_gru,
    "co2-lstm": co2_lstm,
    "sunspots-gru": sunspots_gru,
    "tagger": tagger,
    "vowels-tdnn": vowels_tdnn,
    "vowels-fsmn": vowels_fsmn,
    "vowels-dfsmn": vowels_dfsmn,
    "digit-count": digit_count,
    "spelled-numbers": spelled_numbers,
    "pronounce": pronounce,
    "pronounce-plain": pronounce_plain,
    "spoken-words": spoken_words,
    "genesis-lm": genesis_lm,
    "genesis-lstm": genesis_lstm,
    "karate-gcn": karate_gcn,
    "rings-gin": rings_gin,
    "furniture-pointnet": furniture_pointnet,
    "ethanol-pairs": ethanol_pairs,
    "moving-digits-conv3d": moving_digits_conv3d,
    "moving-digits-conv-lstm": moving_digits_conv_lstm,
    "moving-digits-next": moving_digits_next,
}
