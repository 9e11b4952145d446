"""Every net by its name: `from neurarium.nets import LeNet5, ResNet, Perceptron`.

A net and torch are loaded when the name is first used. What a recipe says of a net is its spec (`nets.catalog.NETS`).
"""

from importlib import import_module
from typing import Any

HOMES = {
    "AdditiveAttention": "attention.alignment",
    "AlexNet": "convolutional.alexnet",
    "AssociativeMemory": "connectionist.associative_memory",
    "Autoencoder": "generative.autoencoder",
    "BagOfTokens": "recurrent.bag_of_tokens",
    "BatchNorm": "parts.normalization.batch",
    "Bidirectional": "recurrent.bidirectional",
    "BinaryUnits": "connectionist.associative_memory",
    "BoltzmannMachine": "connectionist.boltzmann",
    "CLayer": "convolutional.neocognitron_cells",
    "CausalStack": "recurrent.encoder",
    "Cell": "recurrent.cell",
    "CodeDistance": "convolutional.lenet_1998",
    "CompactFSMNLayer": "recurrent.compact_fsmn",
    "Contrast": "convolutional.neocognitron_cells",
    "Corruption": "generative.corruption",
    "Crepe": "convolutional.crepe",
    "DeepTransition": "recurrent.deep_transition",
    "DenseBlock": "convolutional.densenet",
    "DenseLayer": "convolutional.densenet",
    "DenseMemory": "connectionist.dense_memory",
    "DenseNet": "convolutional.densenet",
    "Elman": "recurrent.elman",
    "EncoderDecoder": "recurrent.encoder_decoder",
    "EncoderStack": "recurrent.encoder",
    "FSMNLayer": "recurrent.fsmn",
    "ForgettingLSTM": "recurrent.printed_lstm",
    "FrozenLayer": "feedforward.random_features",
    "GAN": "generative.gan",
    "GCN": "geometric.gcn",
    "GIN": "geometric.gin",
    "GINLayer": "geometric.gin",
    "GRU": "recurrent.gru",
    "GlobalAverage": "convolutional.pooling",
    "HopfieldAssociation": "connectionist.hopfield_layers",
    "HopfieldLookup": "connectionist.hopfield_layers",
    "HopfieldNet": "connectionist.hopfield",
    "HopfieldPooling": "connectionist.hopfield_layers",
    "LRU": "recurrent.lru",
    "LSTM": "recurrent.lstm",
    "LayerNormElman": "recurrent.layer_norm_cells",
    "LayerNormGRU": "recurrent.layer_norm_cells",
    "LayerNormLSTM": "recurrent.layer_norm_cells",
    "LeNet1998": "convolutional.lenet_1998",
    "LeNet5": "convolutional.lenet",
    "LinearModel": "feedforward.regression",
    "LinearProbe": "parts.features",
    "LogisticModel": "feedforward.regression",
    "MLP": "feedforward.mlp",
    "MemoryBlock": "recurrent.fsmn",
    "MinGRU": "recurrent.min_gru",
    "MinLSTM": "recurrent.min_lstm",
    "MixedOutputLSTM": "recurrent.printed_lstm",
    "ModernMemory": "connectionist.modern_hopfield",
    "MultiplicativeAttention": "attention.alignment",
    "Neocognitron": "convolutional.neocognitron",
    "NeuralLanguageModel": "recurrent.neural_language_model",
    "ONet": "convolutional.mtcnn",
    "OpenNsfw": "convolutional.open_nsfw",
    "OutputFeedback": "recurrent.output_feedback",
    "PNet": "convolutional.mtcnn",
    "PaddedShortcut": "convolutional.resnet",
    "PairPotential": "geometric.pair_potential",
    "Perceptron": "connectionist.perceptron",
    "PointNet": "geometric.pointnet",
    "PooledSeries": "recurrent.pooled_series",
    "RBM": "connectionist.rbm",
    "RNet": "convolutional.mtcnn",
    "RandomFeatureModel": "feedforward.random_features",
    "RecurrentBlock": "recurrent.recurrent_block",
    "RecurrentStack": "recurrent.recurrent_block",
    "ResNet": "convolutional.resnet",
    "Rescaled": "parts.features",
    "Residual": "parts.residual",
    "ResidualBlock": "convolutional.resnet",
    "ResidualMLP": "feedforward.residual_mlp",
    "SLayer": "convolutional.neocognitron_cells",
    "ScaledSigmoid": "generative.gan",
    "ScaledTanh": "convolutional.lenet_1998",
    "SecondOrder": "recurrent.higher_order",
    "SequenceNet": "recurrent.sequence_net",
    "SeveralStates": "recurrent.higher_order",
    "Sign": "parts.activation",
    "SmallAlexNet": "convolutional.alexnet",
    "SmallVGG": "convolutional.vgg",
    "StagedNet": "convolutional.stages",
    "Step": "parts.activation",
    "Subsampling": "convolutional.lenet_1998",
    "Swish": "parts.activation",
    "TNet": "geometric.pointnet",
    "TableConvolution": "convolutional.lenet_1998",
    "TappedDelayLine": "recurrent.tapped_delay_line",
    "ThresholdLayer": "connectionist.mcculloch_pitts",
    "TimeDelayLayer": "recurrent.tdnn",
    "VGG": "convolutional.vgg",
    "Windowed": "recurrent.tapped_delay_line",
}
"""Which module of this package each net is in."""

__all__ = list(HOMES)


def __getattr__(name: str) -> Any:
    """Load a net on first use."""
    if name in HOMES:
        return getattr(import_module(f"neurarium.nets.{HOMES[name]}"), name)
    raise AttributeError(f"module 'neurarium.nets' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(HOMES)
