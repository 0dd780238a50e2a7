"""How much one body of sentences reads like another: their shape, and whether a classifier can tell them apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

QUANTILES = (5, 25, 50, 75, 95)
SAMPLE_WORDS = 2_000  # words that the type-token ratio is taken over, since it falls with length
TELLTALES = 15
ENOUGH = 50  # sentences of each body that a comparison needs

_SHARES: dict[str, Callable[[str], object]] = {
    "with a quotation mark": re.compile('["“”]').search,
    "with a digit": re.compile(r"\d").search,
    "with an attribution": re.compile(
        r"\b(?:kata|ujar|menurut|ungkap|jelas|tegas|tutur|tambah)(?:nya)?\b|\bmengatakan\b|\bsaid\b|\baccording to\b", re.IGNORECASE
    ).search,
    "with an abbreviation": re.compile(r"\b[A-Z]{2,6}\b").search,
    "with a name inside": re.compile(r"(?<=[a-z,] )[A-Z][a-z]+").search,
    "that begin with a pronoun or connective": re.compile(
        r"(?:Ia|Dia|Mereka|Namun|Tetapi|Sementara|Selain|Menurut|Hal|Itu|Ini|He|She|They|It|But|Meanwhile)\b"
    ).match,
    "without end mark": lambda sentence: not re.search(r"[.!?…][\"”')\]]*$", sentence),
}


@dataclass(frozen=True)
class Shape:
    """What a body of sentences looks like.

    Attributes:
        words: quantiles of the sentences' length in words, as in `QUANTILES`.
        shares: share of the sentences that have a property, by its name.
        type_token: distinct words among `SAMPLE_WORDS` words of sentences drawn at random.
    """

    words: tuple[float, ...]
    shares: dict[str, float]
    type_token: float


def shape(sentences: Sequence[str], seed: int) -> Shape:
    """Measure sentences; `seed` draws those of the type-token ratio.

    >>> shape(["Ia pergi.", "Dua kapal merapat di Batam"], seed=1).shares["without end mark"]
    0.5
    """
    lengths = [len(sentence.split()) for sentence in sentences]
    order = np.random.default_rng(seed).permutation(len(sentences))
    words = [word for i in order for word in re.findall(r"\w+", sentences[i].lower())][:SAMPLE_WORDS]
    return Shape(
        words=tuple(float(quantile) for quantile in np.percentile(lengths, QUANTILES)),
        shares={name: float(np.mean([bool(has(sentence)) for sentence in sentences])) for name, has in _SHARES.items()},
        type_token=len(set(words)) / max(1, len(words)),
    )


def tell_apart(ours: Sequence[str], theirs: Sequence[str], seed: int) -> tuple[float, list[str], list[str]]:
    """How well words and word pairs tell two bodies of sentences apart (a classifier two-sample test; Lopez-Paz and Oquab 2017).

    Numbers are folded to 0. The larger body is cut down, at random, to twice the smaller.

    Raises:
        ValueError: too few words come more than once to tell anything by.

    Returns:
        The area under the ROC curve over five folds (0.5: not at all, 1: always), and the words that give away the one and
        the other, strongest first.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    smaller = min(len(ours), len(theirs))
    draw = np.random.default_rng(seed)
    bodies = [[body[i] for i in draw.permutation(len(body))[: 2 * smaller]] for body in (ours, theirs)]
    sentences = [re.sub(r"\d+", "0", sentence) for body in bodies for sentence in body]
    ours_or_theirs = np.repeat([1, 0], [len(body) for body in bodies])
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True, token_pattern=r"\b\w+\b|[^\w\s]")
    classifier = make_pipeline(vectorizer, LogisticRegression(C=10, class_weight="balanced", max_iter=1000))
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    try:
        chance = cross_val_predict(classifier, sentences, ours_or_theirs, cv=folds, method="predict_proba")[:, 1]
    except ValueError as error:
        raise ValueError(f"expected sentences with words in common, found too few to compare ({str(error).splitlines()[-1]})") from error
    classifier.fit(sentences, ours_or_theirs)
    words = vectorizer.get_feature_names_out()
    strength = np.argsort(classifier[-1].coef_[0])
    found = roc_auc_score(ours_or_theirs, chance)
    return float(found), words[strength[::-1][:TELLTALES]].tolist(), words[strength[:TELLTALES]].tolist()
