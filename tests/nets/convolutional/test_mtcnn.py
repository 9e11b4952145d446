"""P-, R- and O-Net with facenet-pytorch's weights against what facenet-pytorch computes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.nets.convolutional.mtcnn import ONet, PNet, RNet, with_public_weights

REFERENCE = Path(__file__).parents[2] / "reference" / "mtcnn.npz"
NETS = {"p": PNet, "r": RNet, "o": ONet}


@pytest.fixture
def weights() -> Path:
    found = importlib.util.find_spec("facenet_pytorch")
    if found is None or found.origin is None:
        pytest.skip("needs the package facenet-pytorch: pip install --no-deps facenet-pytorch==2.6.0")
    return Path(found.origin).parent / "data"


@pytest.mark.parametrize("name", NETS)
def test_public_weights_say_what_they_say_elsewhere(name: str, weights: Path) -> None:
    net = with_public_weights(NETS[name](), weights / f"{name}net.pt")
    with np.load(REFERENCE) as stored, torch.no_grad():
        faces = net(torch.from_numpy(stored[f"{name}net_x"]))
        expected = [stored[key] for key in sorted(stored) if key.startswith(f"{name}net_y")]
    raised = np.exp(faces.scores.numpy())
    probabilities = raised / raised.sum(1, keepdims=True)
    made = [faces.boxes, faces.landmarks, probabilities]
    for ours, theirs in zip((x for x in made if x is not None), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def test_weights_of_another_net_are_named(weights: Path) -> None:
    with pytest.raises(ConfigError, match=r"rnet\.pt: .* of ONet, got none for layers\.conv4\.weight"):
        with_public_weights(ONet(), weights / "rnet.pt")


def test_damaged_weights(weights: Path, tmp_path: Path) -> None:
    half = (weights / "pnet.pt").read_bytes()[:9000]
    (tmp_path / "pnet.pt").write_bytes(half)
    with pytest.raises(DataError, match=r"expected a whole state dict"):
        with_public_weights(PNet(), tmp_path / "pnet.pt")


def test_parameter_counts_of_the_published_nets() -> None:
    p = 3 * 10 * 9 + 2 * 10 + 10 * 16 * 9 + 2 * 16 + 16 * 32 * 9 + 2 * 32 + 33 * 6
    r = 3 * 28 * 9 + 2 * 28 + 28 * 48 * 9 + 2 * 48 + 48 * 64 * 4 + 2 * 64 + 576 * 128 + 2 * 128 + 129 * 6
    o = 3 * 32 * 9 + 2 * 32 + 32 * 64 * 9 + 2 * 64 + 64 * 64 * 9 + 2 * 64 + 64 * 128 * 4 + 2 * 128
    o += 1152 * 256 + 2 * 256 + 257 * 16
    assert [sum(x.numel() for x in net().parameters()) for net in NETS.values()] == [p, r, o]


def test_the_proposal_net_answers_for_every_window() -> None:
    torch.manual_seed(0)
    net = PNet().double()
    x = torch.randn(1, 3, 20, 18, dtype=torch.float64)
    faces = net(x)
    assert faces.scores.shape == (1, 2, 5, 4)
    window = net(x[:, :, 6:18, 4:16])
    torch.testing.assert_close(faces.boxes[:, :, 3:4, 2:3], window.boxes)
    torch.testing.assert_close(faces.scores[:, :, 3:4, 2:3], window.scores)


@pytest.mark.parametrize(
    ("net", "shape", "said"),
    [
        (PNet, (1, 3, 12, 11), "12 x 12"), (RNet, (1, 3, 48, 48), "24, 24"), (ONet, (3, 48, 48), "48, 48"),
        (PNet, (1, 1, 20, 20), "batch, 3"),
    ],
)  # fmt: skip
def test_other_pictures(net: type, shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(ShapeError, match=said) as caught:
        net()(torch.zeros(shape))
    assert "conv1" in caught.value.subject
    assert str(shape) in caught.value.got
