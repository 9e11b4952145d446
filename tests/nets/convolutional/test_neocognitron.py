import math

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.data import mnist_5k
from neurarium.data.examples import Examples
from neurarium.nets.convolutional.neocognitron import Neocognitron, rays
from neurarium.nets.convolutional.neocognitron_cells import contrast


def pixels(examples: Examples) -> torch.Tensor:
    return torch.cat(list(examples.pieces("image"))).float() / 255


def test_each_plane_of_the_first_layer_prefers_its_bar() -> None:
    net = Neocognitron()
    bars = torch.stack([rays([math.pi * k / 8, math.pi * (1 + k / 8)]) for k in range(8)])
    answers = net.s1(contrast(bars[:, None]))[:, :, 16, 16]
    assert answers.argmax(1).tolist() == list(range(8))
    assert 0.85 < answers.diagonal().min() <= answers.diagonal().max() < 1  # 1 is the limit of much contrast
    # a quarter turn of the image is four planes further
    torch.testing.assert_close(answers.roll((4, 4), (0, 1)), answers, rtol=0, atol=1e-3)
    assert answers[0, 4] == 0


def test_learned_planes_become_different_and_stop_after_their_presentations() -> None:
    torch.manual_seed(0)
    digits = pixels(mnist_5k.load().train)[::40]
    net = Neocognitron(learned=12, presentations=40).train()
    net.s2.requires_grad_(False)
    for batch in digits[:60].split(25):
        net(batch)
    assert int(net.presented) == 40
    used = net.s2.inhibition > 0
    assert used.sum() > 6
    templates = net.s2.weight[used].flatten(1)
    alike = torch.nn.functional.cosine_similarity(templates[:, None], templates[None], dim=2)
    assert alike.fill_diagonal_(0).max() < 0.99
    weights = net.s2.weight.clone()
    net(digits)
    assert torch.equal(net.s2.weight, weights)


def test_evaluation_and_fixed_planes_learn_nothing() -> None:
    x = torch.rand(4, 1, 28, 28)
    for net in (Neocognitron(learned=5).eval(), Neocognitron().train()):
        before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        net(x)
        assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
        assert [name for name, _ in net.named_parameters()] == ["head.weight", "head.bias"]


@pytest.mark.parametrize("learned", [0, 40], ids=["fixed", "learned"])
def test_a_linear_classifier_on_its_features_reads_digits(learned: int) -> None:
    """Ridge regression to one column a class: the classifier is NumPy's, the features are the net's."""
    torch.manual_seed(0)
    dataset = mnist_5k.load()
    parts = [
        (pixels(part)[::step], part.target("label")[::step].numpy())
        for part, step in ((dataset.train, 4), (dataset.validation, 1))
    ]
    net = Neocognitron(learned=learned, presentations=200)
    net.learn_(parts[0][0][torch.randperm(len(parts[0][0]))])
    with torch.no_grad():
        (z, y), (z_dev, y_dev) = [(net.features(x).double().numpy(), y) for x, y in parts]
    gram = z @ z.T + 100 * np.eye(len(z))
    scores = z_dev @ (z.T @ np.linalg.solve(gram, np.eye(10)[y]))
    assert (scores.argmax(1) == y_dev).mean() > 0.94


def test_blank_images_have_features_and_slopes() -> None:
    x = torch.zeros(2, 1, 28, 28, requires_grad=True)
    net = Neocognitron()
    net(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match=r"layer contrast: expected a batch of images \(batch, 1, 28, 28\)"):
        Neocognitron()(torch.zeros(2, 1, 28, 27))
    with pytest.raises(ShapeError, match="at least 8 x 8"):
        Neocognitron(size=7)
    with pytest.raises(ConfigError, match="selectivities > 0"):
        Neocognitron(selectivity=(1.0, 0.0))
