"""The features are those of scikit-learn, which models were trained with and papers speak of."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from conftest import shipped_rows
from data.text import normalise
from models.tfidf import Tfidf, pieces, words

TEXTS = [normalise(row["text"]) for row in shipped_rows(limit=500)]
AWKWARD = ["", "👍 !", "kata " * 1000, "上海合作组织 منظمة", "İSTANBUL a\u2028b\x85c", "<s></s>", "a", "satu-satunya ke-2"]
PEERS = {
    words: {"ngram_range": (1, 2), "token_pattern": r"\b\w+\b"},
    pieces: {"analyzer": "char_wb", "ngram_range": (4, 4)},
}


@pytest.mark.parametrize("terms", PEERS, ids=lambda terms: terms.__name__)
def test_features_are_those_of_scikit_learn(terms) -> None:
    peer = TfidfVectorizer(**PEERS[terms], min_df=2, sublinear_tf=True).fit(TEXTS)
    ours = Tfidf(terms).fit(TEXTS, 2)
    assert list(ours.vocabulary_) == peer.get_feature_names_out().tolist()
    assert np.abs(ours.transform(TEXTS + AWKWARD) - peer.transform(TEXTS + AWKWARD)).max() < 1e-12


def test_where_no_term_comes_often_enough_all_count() -> None:
    assert list(Tfidf(words).fit(["dua kapal", "satu"], 2).vocabulary_) == ["dua", "dua kapal", "kapal", "satu"]
