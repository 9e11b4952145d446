"""Every net by name (no torch): what enters here is listed, can be trained, and meets the contract suite."""

from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.convolutional.deep_specs import (
    AlexNetSpec,
    DenseNetSpec,
    PlainNetSpec,
    ResNetSpec,
    SmallAlexNetSpec,
    SmallVGGSpec,
    VGGSpec,
)
from neurarium.nets.convolutional.neocognitron_spec import NeocognitronSpec
from neurarium.nets.convolutional.specs import LeNet5Spec, LeNet1998Spec
from neurarium.nets.feedforward.linear_probe_spec import LinearProbeSpec
from neurarium.nets.feedforward.regression_specs import LinearSpec, LogisticSpec, RandomFeaturesSpec
from neurarium.nets.feedforward.residual_spec import ResidualMLPSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import AutoencoderSpec, ConvolutionalAutoencoderSpec, DCGANSpec, GANSpec
from neurarium.nets.geometric.specs import GCNSpec, GINSpec, PairPotentialSpec, PointNetSpec
from neurarium.nets.recurrent.clip_specs import ConvLSTMSpec, VideoNetSpec
from neurarium.nets.recurrent.delay_specs import FSMNSpec, TDNNSpec
from neurarium.nets.recurrent.encoder_decoder_spec import EncoderDecoderSpec
from neurarium.nets.recurrent.forecast_spec import ForecastSpec
from neurarium.nets.recurrent.linear_specs import LRUSpec, MinGRUSpec, MinLSTMSpec
from neurarium.nets.recurrent.recurrent_spec import RecurrentSpec
from neurarium.nets.recurrent.specs import (
    BagOfTokensSpec,
    NeuralLanguageModelSpec,
    PooledSeriesSpec,
)
from neurarium.nets.spec import NetSpec

NETS: dict[str, type[NetSpec]] = {
    "mlp": MLPSpec,
    "linear": LinearSpec,
    "logistic": LogisticSpec,
    "random-features": RandomFeaturesSpec,
    "residual-mlp": ResidualMLPSpec,
    "linear-probe": LinearProbeSpec,
    "perceptron": PerceptronSpec,
    "hopfield": HopfieldSpec,
    "rbm": RBMSpec,
    "autoencoder": AutoencoderSpec,
    "convolutional-autoencoder": ConvolutionalAutoencoderSpec,
    "gan": GANSpec,
    "dcgan": DCGANSpec,
    "neocognitron": NeocognitronSpec,
    "lenet5": LeNet5Spec,
    "lenet5-1998": LeNet1998Spec,
    "alexnet": AlexNetSpec,
    "alexnet-small": SmallAlexNetSpec,
    "vgg": VGGSpec,
    "vgg-small": SmallVGGSpec,
    "resnet": ResNetSpec,
    "plain": PlainNetSpec,
    "densenet": DenseNetSpec,
    "pooled-series": PooledSeriesSpec,
    "recurrent": RecurrentSpec,
    "recurrent-forecast": ForecastSpec,
    "bag-of-tokens": BagOfTokensSpec,
    "neural-language-model": NeuralLanguageModelSpec,
    "encoder-decoder": EncoderDecoderSpec,
    "min-gru": MinGRUSpec,
    "min-lstm": MinLSTMSpec,
    "lru": LRUSpec,
    "tdnn": TDNNSpec,
    "fsmn": FSMNSpec,
    "conv-lstm": ConvLSTMSpec,
    "conv3d": VideoNetSpec,
    "gcn": GCNSpec,
    "gin": GINSpec,
    "pointnet": PointNetSpec,
    "pair-potential": PairPotentialSpec,
}


def named_specs() -> dict[str, NetSpec]:
    """Every net by every name: the kinds with their defaults, then their published sizes.

    Example:
        >>> named_specs()["resnet50"]
        ResNetSpec(depth=50, shortcut='usual', zero_gamma=False)
    """
    sizes = {name: kind(**fields) for kind in NETS.values() for name, fields in kind.sizes.items()}
    return {name: kind() for name, kind in NETS.items()} | sizes
