"""Complete runs of deep convolutional nets on the 70,000 images of Fashion-MNIST.

The learning rate rises over the first tenth of a run and falls on a cosine to zero; images are flipped and shifted by
up to 2 pixels (He et al. flip, and shift by up to 4 of 32).

| recipe | optimizer | rate | decay | batch | in the source |
|---|---|---|---|---|---|
| alexnet-small | adamw | 1e-3 | 0.05, decoupled | 128 | momentum 0.9, 0.01, l2 5e-4, batch 128 |
| vgg-small | adamw | 1e-3 | 0.05, decoupled | 128 | momentum 0.9, 0.01, l2 5e-4, batch 256 |
| resnet20, plain20, resnet56, plain56 | momentum 0.9 | 0.1 | l2 1e-4 | 128 | the same; 64,000 updates, here a tenth |
| densenet40 | Nesterov 0.9 | 0.1 | l2 1e-4 | 64 | the same; 300 epochs, here 7 |

In the sources the rate is divided by ten now and then. AlexNet and VGG, whose linear layers drop half of their inputs,
learn 20 images by heart in 100 steps with AdamW, and do not in 150 with momentum at rates of 0.01 and 0.05. The
residual and the plain nets have the very same settings, so that their scores compare. Label smoothing is left out: none
of the sources has it. Where the device multiplies bfloat16 faster than float32 the nets learn in it.

Sources: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural networks",
2012; K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015; K. He,
X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2016, section 4.2; G. Huang, Z. Liu,
L. van der Maaten, K. Weinberger, "Densely connected convolutional networks", 2017; the cosine: I. Loshchilov,
F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", 2017.
"""

from neurarium.learning.augmentation import Augmentation
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.convolutional.deep_specs import (
    DenseNetSpec,
    PlainNetSpec,
    ResNetSpec,
    SmallAlexNetSpec,
    SmallVGGSpec,
)
from neurarium.nets.spec import NetSpec
from neurarium.training.recipe import Recipe

_MOVED = Augmentation(shift=2, flip=True)
_ADAMW = Optimizer("adamw", lr=1e-3, weight_decay=0.05)


def alexnet_small() -> Recipe:
    """AlexNet for small images on Fashion-MNIST."""
    return _on_fashion("alexnet-small", SmallAlexNetSpec(), _ADAMW, epochs=20)


def vgg_small() -> Recipe:
    """VGG for small images, with batch normalization, on Fashion-MNIST."""
    return _on_fashion("vgg-small", SmallVGGSpec(), _ADAMW, epochs=20)


def resnet20() -> Recipe:
    """Residual net of 20 layers on Fashion-MNIST."""
    return _as_he("resnet20", ResNetSpec(20))


def plain20() -> Recipe:
    """The 20 layers of resnet20 without shortcuts, to compare."""
    return _as_he("plain20", PlainNetSpec(20))


def resnet56() -> Recipe:
    """Residual net of 56 layers on Fashion-MNIST."""
    return _as_he("resnet56", ResNetSpec(56))


def plain56() -> Recipe:
    """The 56 layers of resnet56 without shortcuts, to compare: too deep to learn well."""
    return _as_he("plain56", PlainNetSpec(56))


def densenet40() -> Recipe:
    """Densely connected net of 40 layers with bottlenecks and compression on Fashion-MNIST."""
    return _on_fashion("densenet40", DenseNetSpec(40), Optimizer("nesterov", lr=0.1, l2=1e-4), epochs=7, batch_size=64)


def _as_he(name: str, net: NetSpec) -> Recipe:
    return _on_fashion(name, net, Optimizer("momentum", lr=0.1, l2=1e-4), epochs=15)


def _on_fashion(name: str, net: NetSpec, optimizer: Optimizer, epochs: int, batch_size: int = 128) -> Recipe:
    return Recipe(
        name=name,
        net=net,
        data="fashion-mnist",
        optimizer=optimizer,
        schedule=Schedule("cosine", warmup=0.1),
        augmentation=_MOVED,
        epochs=epochs,
        batch_size=batch_size,
        precision="auto",
    )
