import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.connectionist.hopfield_layers import (
    HopfieldAssociation,
    HopfieldLookup,
    HopfieldPooling,
    associate,
)
from neurarium.nets.connectionist.modern_hopfield import update


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_association_is_torchs_attention_with_the_same_weights(heads: int) -> None:
    layer = HopfieldAssociation(8, heads=heads).double()
    peer = torch.nn.MultiheadAttention(8, heads, batch_first=True).double()
    with torch.no_grad():
        peer.in_proj_weight.copy_(torch.cat([layer.query.weight, layer.key.weight, layer.value.weight]))
        peer.in_proj_bias.copy_(torch.cat([layer.query.bias, layer.key.bias, layer.value.bias]))
        peer.out_proj.weight.copy_(layer.out.weight)
        peer.out_proj.bias.copy_(layer.out.bias)
    states, memory = normal(3, 5, 8), normal(3, 7, 8, seed=1)
    mask = torch.arange(7)[None] < torch.tensor([[7], [4], [1]])
    torch.testing.assert_close(layer(states, memory, mask), peer(states, memory, memory, key_padding_mask=~mask)[0])


def test_further_steps_are_updates_of_the_states() -> None:
    state, keys, values = normal(2, 3, 4), normal(2, 6, 4, seed=1), normal(2, 6, 5, seed=2)
    settled = update(update(state, keys, 1.7), keys, 1.7)
    expected = (1.7 * settled @ keys.mT).softmax(-1) @ values
    torch.testing.assert_close(associate(state, keys, values, 1.7, steps=3), expected)


def test_padding_does_not_count() -> None:
    pooling = HopfieldPooling(6, states=2, heads=2, steps=2).double()
    rows = normal(2, 5, 6)
    mask = torch.tensor([[True, True, True, False, False]]).expand(2, 5)
    torch.testing.assert_close(pooling(rows, mask), pooling(rows[:, :3]))


def test_pooling_does_not_see_the_order_and_lookup_goes_row_by_row() -> None:
    rows, order = normal(2, 5, 6), torch.tensor([3, 0, 4, 1, 2])
    pooling, lookup = HopfieldPooling(6).double(), HopfieldLookup(6, memories=4, outputs=3).double()
    torch.testing.assert_close(pooling(rows[:, order]), pooling(rows))
    torch.testing.assert_close(lookup(rows[:, order]), lookup(rows)[:, order])


@pytest.mark.parametrize("steps", [1, 2])
def test_gradients_reach_inputs_and_every_parameter(steps: int) -> None:
    torch.manual_seed(0)
    layer = HopfieldAssociation(4, 3, features=6, outputs=2, heads=2, steps=steps).double()
    states, memory = normal(2, 2, 4).requires_grad_(), normal(2, 3, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(layer, (states, memory))
    for net, inputs in (
        (layer, (states, memory)),
        (HopfieldPooling(3, steps=steps).double(), (memory,)),
        (HopfieldLookup(4, 5, steps=steps).double(), (states,)),
    ):
        net(*inputs).square().sum().backward()
        gradients = {name: p.grad for name, p in net.named_parameters()}
        # a bias of the keys adds the same to all scores of a state, which a softmax does not see; it is seen by
        # the updates between, which read the keys themselves
        unseen = {name for name, g in gradients.items() if g is None or not (g.abs() > 1e-12).any()}
        assert unseen == ({name for name in gradients if name.endswith("key.bias")} if steps == 1 else set())


def test_a_pooling_layer_learns_which_row_matters() -> None:
    # the answer is a number that stands in the row marked by its first feature
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(256, 6, 4, generator=generator)
    marked = torch.randint(0, 6, (256,), generator=generator)
    rows[..., 0] = 0
    rows[torch.arange(256), marked, 0] = 3
    target = rows[torch.arange(256), marked, 1]
    pooling = HopfieldPooling(4)
    optimizer = torch.optim.Adam(pooling.parameters(), 0.04)
    for _ in range(150):
        optimizer.zero_grad()
        loss = (pooling(rows)[:, 0, 0] - target).square().mean()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05 * target.var().item()


def test_bad_input() -> None:
    with pytest.raises(ConfigError, match="divisor of the 8 features"):
        HopfieldAssociation(8, heads=3)
    with pytest.raises(ConfigError, match="beta"):
        HopfieldAssociation(8, beta=0.0)
    with pytest.raises(ConfigError, match="steps"):
        HopfieldAssociation(8, steps=0)
    with pytest.raises(ConfigError, match="states"):
        HopfieldPooling(8, states=0)
    with pytest.raises(ConfigError, match="memories"):
        HopfieldLookup(8, memories=0)
    layer = HopfieldAssociation(8, 6)
    with pytest.raises(ShapeError, match=r"states: expected \(batch, rows, 8\)"):
        layer(torch.ones(2, 3, 7), torch.ones(2, 3, 6))
    with pytest.raises(ShapeError, match=r"memory: expected \(batch, rows, 6\)"):
        layer(torch.ones(2, 3, 8), torch.ones(2, 3, 8))
