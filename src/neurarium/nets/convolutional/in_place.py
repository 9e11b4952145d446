"""Rectifiers that overwrite what they rectify: for nets that only answer, memory that need not be fetched anew.

    y = max(0, x), written where x was

It is the same number, but x is gone. So it is right only where nobody reads x afterwards, and nobody does if a layer
made x for the rectifier alone: a convolution, linear layer or batch normalization just before it in a chain. A residual
block adds its shortcut to what such a layer made, there too. The nets themselves keep x: figures of feature maps and
traces read it.
"""

from torch import nn

from neurarium.nets.convolutional.folding import BATCH_NORMS, CONVOLUTIONS, PASSING_IN_EVALUATION, TRANSPOSED
from neurarium.nets.convolutional.resnet import ResidualBlock
from neurarium.nets.parts.features import is_chain

# exact types, as in folding: a subclass may return what it keeps
_MAKERS = (*CONVOLUTIONS, *TRANSPOSED, *BATCH_NORMS, nn.Linear)


def rectify_in_place_(net: nn.Module) -> None:
    """Let rectifiers of a net in evaluation mode overwrite their input where that was made for them alone."""
    for module in list(net.modules()):
        if isinstance(module, ResidualBlock) and _ends_with_a_maker(module.branch):
            module.relu = nn.ReLU(inplace=True)
        elif is_chain(module):
            _change_chain_(module)


def _change_chain_(chain: nn.Module) -> None:
    made_for_it = False
    for name, link in list(chain._modules.items()):
        if made_for_it and type(link) is nn.ReLU:
            # a new one: the same rectifier may stand elsewhere in the net, where it must not overwrite
            chain._modules[name] = nn.ReLU(inplace=True)
        elif type(link) not in PASSING_IN_EVALUATION:
            made_for_it = type(link) in _MAKERS


def _ends_with_a_maker(chain: nn.Sequential) -> bool:
    kinds = [type(link) for link in chain if type(link) not in PASSING_IN_EVALUATION]
    return is_chain(chain) and bool(kinds) and kinds[-1] in _MAKERS
