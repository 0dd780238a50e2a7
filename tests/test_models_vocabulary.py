"""The cut vocabulary reads Indonesian and English as the whole one does, and the rest as unknown."""

import numpy as np
import pytest
import torch

from models import packed, pretrained

SENTENCES = [
    "Organisasi Kerja Sama Shanghai takkan pernah menimbulkan ancaman militer.",
    "Russia, India call for modernising the SCO, diplomat says",
    "Menlu Tajikistan Sirojiddin Muhriddin bertemu Sekjen CSTO Imangali Tasmagambetov di Dushanbe.",
]


@pytest.fixture(scope="module")
def both() -> tuple:
    return packed.read(), pretrained.load()


def test_the_languages_are_read_with_the_same_pieces(both: tuple) -> None:
    (_, whole), (_, cut) = both
    assert len(cut) < len(whole) / 4
    for sentence in SENTENCES:
        assert cut.tokenize(sentence) == whole.tokenize(sentence)


def test_their_vectors_stay_as_they_were(both: tuple) -> None:
    with torch.no_grad():
        whole, cut = (
            model.eval()(**tokenizer(SENTENCES, padding=True, return_tensors="pt", return_token_type_ids=False)).last_hidden_state[:, 0]
            for model, tokenizer in both
        )
    assert np.allclose(torch.nn.functional.cosine_similarity(whole, cut), 1, atol=1e-3)


def test_other_scripts_are_unknown_pieces_and_do_no_harm(both: tuple) -> None:
    _, (model, cut) = both
    pieces = cut.convert_ids_to_tokens(cut("Петербург dan 上海合作组织")["input_ids"])
    assert pieces == ["<s>", "▁", "<unk>", "▁dan", "▁", "<unk>", "</s>"]
    with torch.no_grad():
        vectors = model.eval()(**cut("منظمة شنغهاي", return_tensors="pt", return_token_type_ids=False)).last_hidden_state
    assert torch.isfinite(vectors).all()
