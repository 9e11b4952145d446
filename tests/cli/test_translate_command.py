from pathlib import Path

import pytest

import neurarium
from neurarium.data.text_pairs import from_pairs
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.recurrent.encoder_decoder_spec import EncoderDecoderSpec
from neurarium.training.recipe import Recipe
from neurarium.training.run import Run

from .conftest import called

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Letters into capitals of words, learned by heart."""
    pairs = [
        (word, " ".join(word.upper())) for word in ("ab", "ba", "aab", "abb", "bba", "bab", "aba", "bb", "aa", "a")
    ]
    recipe = Recipe(
        name="capitals",
        net=EncoderDecoderSpec(embedding_dim=8, hidden=16, attention="additive"),
        data="custom",
        optimizer=Optimizer("adam", lr=0.02),
        epochs=25,
        batch_size=8,
        threads=1,
        device="cpu",
    )
    data = from_pairs(pairs * 8, "capitals", provenance="made by the test")
    return neurarium.train(recipe, data=data, out=tmp_path_factory.mktemp("runs") / "capitals", progress=False)


def test_writes_an_answer_a_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "more.txt"
    file.write_text("bab\n\naa\n", encoding="utf-8")
    for beams in ("1", "5"):
        done = called(tmp_path, "translate", str(run.folder), "ab", "--file", str(file), "--beams", beams)
        assert (done.returncode, done.stdout.splitlines()) == (0, ["A B", "B A B", "A A"])
    image = tmp_path / "looked.png"
    assert called(tmp_path, "translate", str(run.folder), "abb", "--alignment", str(image)).returncode == 0
    assert image.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "texts: expected at least one text, or --file FILE, got none"),
        (["abc"], "text 1: expected the 2 characters that were learned, got 'c'"),
        (["ab", "--beams", "0"], "beams: expected an integer >= 1, got 0"),
        (["ab", "--alignment", "x.pdf"], "alignment: expected a .png file, got x.pdf"),
    ],
)
def test_refuses(run: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = called(tmp_path, "translate", str(run.folder), *arguments)
    assert done.returncode == 2
    assert message in done.stderr
