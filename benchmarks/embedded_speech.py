"""Make src/neurarium/data/embedded/spoken_prompts.npz from Debian's asterisk-core-sounds-en-wav and its texts.

    dpkg-deb -x asterisk-core-sounds-en-wav_1.6.1-1_all.deb FOLDER
    python benchmarks/embedded_speech.py FOLDER/usr/share/asterisk/sounds/en_US_f_Allison core-sounds-en.txt

The texts are those that Digium publishes with the recordings (core-sounds-en.txt).
"""

import re
import sys
from pathlib import Path

import numpy as np

from neurarium.data.log_mel import FLOOR, LogMel
from neurarium.data.wav import read_wav

OUT = Path(__file__).parents[1] / "src/neurarium/data/embedded/spoken_prompts.npz"
LONGEST = 8.0  # seconds
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# what is read otherwise than it is written, or not at all
LEFT_OUT = (
    r"spy-|silence/|demo-instruct|dollars|priv-callee|phonetic/niner|vm-(intro|INBOX)$|letters/(at|ascii38|[a-z])$"
)


def said(text: str) -> str:
    """A text in small letters, numbers as words; empty where something in it is not known how to say."""
    text = re.sub(r"\[.\]", "", text)
    if re.search(r"[\[\](){}@&]|\d\d|[A-Z]{3}|\d\.", text):
        return ""
    text = text.replace("*", " star ").replace("#", " pound ").replace(".M.", " m").replace("...", " ")
    text = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", text)
    text = re.sub(r"[^a-z' ]", " ", text.lower().replace('"', " "))
    return " ".join(text.split())


def main(folder: Path, texts: Path) -> None:
    features, rows, names = LogMel(), [], []
    for line in texts.read_text(encoding="utf-8").splitlines():
        name, colon, text = line.partition(": ")
        path = folder / f"{name.strip().removesuffix('.wav')}.wav"
        if not colon or not path.exists() or re.match(LEFT_OUT, name) or not said(text):
            continue
        sound = read_wav(path, features.rate)
        if len(sound) <= LONGEST * features.rate:
            rows.append(np.round(features(sound) - FLOOR).astype(np.uint8))
            names.append((name.strip(), said(text)))
    order = sorted(range(len(names)), key=lambda k: names[k])
    values = np.concatenate([rows[k] for k in order])
    lengths = np.array([len(rows[k]) for k in order], dtype=np.int16)
    files, words = (np.array([names[k][side] for k in order]) for side in (0, 1))
    np.savez_compressed(OUT, values=values, lengths=lengths, files=files, texts=words)
    print(f"{len(order)} recordings, {len(values) * features.hop / features.rate:.0f} s, {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
