"""What a corpus must be: every bound in one place, measured and reported as plain findings.

`sikap data check` prints them. That rows can be read at all, and carry only labels of the codebook, is `data.corpus`'s
matter, which raises before anything is measured here.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING, Any

from data import corpus, splits, text
from data.codebook import Codebook, Task

if TYPE_CHECKING:
    from datasets import Dataset

Row = Mapping[str, Any]

# Coverage, of the shipped corpus over all its splits
SENTENCES = 8_000
MAIN_LANGUAGE = (0.70, 0.80)  # share of the codebook's first language
TOPIC = (300, 80)  # sentences that a topic needs in the first language, and in each other
STANCE = (120, 30)
NO_TOPIC = 0.30
HARD = 1 / 3  # of the sentences without topic: those in which a keyword of a topic stands
SEVERAL_TOPICS = 0.35  # of the sentences with one
PAIRS = 60  # minimal pairs a claim
# Soundness, of any corpus
SAME_OPENING = 4  # groups in which the same five words may open a sentence
SHINGLES = 0.6  # two sentences that share more of their three-word sequences are near-duplicates
COMMON_SHINGLE = 500  # a sequence in more sentences is a dateline or the like, and not looked at
IN_ITS_LANGUAGE = 0.97
SOURCE_SHARE = 0.15
SOURCE_WORDS = (12, 35)  # median sentence length of a source
PAIR_LIKENESS = 0.5  # of the words, in order, that the two sentences of a minimal pair share

EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One measured property.

    Attributes:
        bound: what it should be, in words.
        found: what it is.
        ok: whether the bound holds.
        examples: the first of what breaks it.
    """

    name: str
    bound: str
    found: str
    ok: bool
    examples: Sequence[str] = ()


def check(parts: Mapping[str, Dataset], codebook: Codebook, coverage: bool = True) -> list[Finding]:
    """Measure a corpus.

    Args:
        parts: the splits by name; a corpus without splits is one part.
        coverage: also measure size, balance and coverage of the codebook, which a corpus that others add to need not have.
    """
    rows = [row for part in parts.values() for row in part]
    findings = [*_soundness(rows, codebook), *_leakage(parts)]
    return [*_coverage(rows, codebook), *findings] if coverage else findings


def _coverage(rows: Sequence[Row], codebook: Codebook) -> Iterator[Finding]:
    first = codebook.languages[0]
    yield _at_least("sentences", len(rows), SENTENCES)
    share = _share(row["lang"] == first for row in rows)
    yield Finding(
        f"share in '{first}'", "{:.0%} to {:.0%}".format(*MAIN_LANGUAGE), f"{share:.1%}", MAIN_LANGUAGE[0] <= share <= MAIN_LANGUAGE[1]
    )
    counts = {language: Counter[str]() for language in codebook.languages}
    for row in rows:
        counts[row["lang"]].update(_labels(row))
    for task, needed in ((Task.topics, TOPIC), (Task.stance, STANCE)):
        for language, count in counts.items() if codebook.labels(task) else ():
            bound = needed[language != first]
            fewest = sorted((count[label], label) for label in codebook.labels(task))
            few = [f"{label}: {number}" for number, label in fewest if number < bound]
            name = f"sentences of each {'topic' if task is Task.topics else 'stance'} in '{language}'"
            yield Finding(name, f"at least {bound}", f"{fewest[0][0]} ({fewest[0][1]})", not few, few)
    bare = [row for row in rows if not row["topics"]]
    hard = list(with_keyword(bare, codebook))
    yield _at_least("share without topic", _share(not row["topics"] for row in rows), NO_TOPIC)
    yield _at_least("of these, with a keyword of a topic", len(hard) / max(1, len(bare)), HARD)
    yield _at_least(
        "share of the others with several topics", _share(len(row["topics"]) > 1 for row in rows if row["topics"]), SEVERAL_TOPICS
    )
    neutral, taking = (sum(bool(row["stances"]) is side for row in rows if row["topics"]) for side in (False, True))
    yield Finding("sentences with a topic and no stance", f"at least {taking:,}, as many as take one", f"{neutral:,}", neutral >= taking)
    pairs = minimal_pairs(rows, codebook)
    fewest_pairs = sorted((pairs[claim.id], claim.id) for claim in codebook.claims)
    few = [f"{claim}: {number}" for number, claim in fewest_pairs if number < PAIRS]
    if fewest_pairs:
        yield Finding("minimal pairs of each claim", f"at least {PAIRS}", "{} ({})".format(*fewest_pairs[0]), not few, few)
    shares = Counter(row["source"] for row in rows)
    source, number = shares.most_common(1)[0]
    yield Finding(
        "largest share of a source",
        f"at most {SOURCE_SHARE:.0%}",
        f"{number / len(rows):.1%} ({source})",
        number / len(rows) <= SOURCE_SHARE,
    )
    lengths = {source: median(len(row["text"].split()) for row in rows if row["source"] == source) for source in shares}
    odd = [f"{source}: {length:.0f}" for source, length in lengths.items() if not SOURCE_WORDS[0] <= length <= SOURCE_WORDS[1]]
    yield Finding(
        "median words of each source",
        "{} to {}".format(*SOURCE_WORDS),
        f"{min(lengths.values()):.0f} to {max(lengths.values()):.0f}",
        not odd,
        odd,
    )


def _soundness(rows: Sequence[Row], codebook: Codebook) -> Iterator[Finding]:
    folded: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        folded[" ".join(_words(row["text"]))].append(row["id"])
    yield _none("duplicates", [", ".join(ids) for words, ids in folded.items() if words and len(ids) > 1])
    yield _none("near-duplicates in different articles", [f"{a['id']}, {b['id']}: {b['text']:.60}" for a, b in near_duplicates(rows)])
    openings: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if _words(row["text"]):
            openings[" ".join(_words(row["text"])[:5])].add(row["article"])
    often = [f"{opening} ({len(articles)} articles)" for opening, articles in openings.items() if len(articles) > SAME_OPENING]
    most = max(map(len, openings.values()), default=0)
    yield Finding("articles in which the same five words open a sentence", f"at most {SAME_OPENING}", f"{most}", not often, often)
    strange = [row for row in rows if text.detect_language(row["text"], codebook.languages) != row["lang"]]
    yield Finding(
        "sentences in the language that they name",
        f"at least {IN_ITS_LANGUAGE:.0%}",
        f"{1 - len(strange) / len(rows):.1%}",
        1 - len(strange) / len(rows) >= IN_ITS_LANGUAGE,
        [f"{row['id']}: {row['text']:.60}" for row in strange],
    )


def _leakage(parts: Mapping[str, Dataset]) -> Iterator[Finding]:
    for (one, ones), (other, others) in combinations(parts.items(), 2):
        yield _none(f"articles in both {one} and {other}", sorted(set(ones["article"]) & set(others["article"])))
    for name, part in parts.items():
        if name == "test":
            digest = corpus.digest(part)
            bound = f"version {splits.TEST_VERSION}: {splits.TEST_DIGEST[:12]}"
            yield Finding("the frozen test split", bound, digest[:12], digest == splits.TEST_DIGEST)
        else:
            yield _none(f"sentences of the frozen test split in {name}", corpus.frozen(part))


def near_duplicates(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Pairs of sentences of different articles that share most of their three-word sequences (Broder 1997).

    Within one article they are wanted: minimal pairs.
    """
    import numpy as np
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer=_shingles, max_df=COMMON_SHINGLE)
    long = [row for row in rows if _shingles(row)]
    if len(long) <= COMMON_SHINGLE:
        vectorizer.set_params(max_df=1.0)
    if not long:
        return []
    shingles = vectorizer.fit_transform(long)
    sizes = shingles.getnnz(axis=1)
    shared = (shingles @ shingles.T).tocoo()
    near = (shared.row < shared.col) & (shared.data > SHINGLES * (sizes[shared.row] + sizes[shared.col] - shared.data))
    pairs = np.stack([shared.row[near], shared.col[near]], axis=1).tolist()
    return [(long[a], long[b]) for a, b in pairs if long[a]["article"] != long[b]["article"]]


def _shingles(row: Row) -> set[tuple[str, ...]]:
    words = _words(row["text"])
    return set(zip(words, words[1:], words[2:], strict=False))


def minimal_pairs(rows: Iterable[Row], codebook: Codebook) -> Counter[str]:
    """For each claim, the pairs of sentences of one article that share most words and differ in their stance on it."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["article"]].append(row)
    found: Counter[str] = Counter()
    for group in groups.values():
        for a, b in combinations(group, 2):
            stances = [{stance["claim"]: stance["stance"] for stance in row["stances"]} for row in (a, b)]
            differing = [claim.id for claim in codebook.claims if stances[0].get(claim.id) != stances[1].get(claim.id)]
            if differing and SequenceMatcher(None, _words(a["text"]), _words(b["text"]), autojunk=False).ratio() >= PAIR_LIKENESS:
                found.update(differing)
    return found


def with_keyword(rows: Iterable[Row], codebook: Codebook) -> Iterator[Row]:
    """The rows in which a keyword of a topic stands."""
    return (row for row in rows if any(topic.has_keyword(row["text"], row["lang"]) for topic in codebook.topics))


def _labels(row: Row) -> list[str]:
    return [*row["topics"], *(f"{stance['claim']}/{stance['stance']}" for stance in row["stances"])]


def _words(sentence: str) -> list[str]:
    return re.findall(r"\w+", sentence.lower())


def _share(which: Iterable[bool]) -> float:
    which = list(which)
    return sum(which) / max(1, len(which))


def _at_least(name: str, found: float, bound: float) -> Finding:
    shown, needed = (f"{number:,}" if isinstance(bound, int) else f"{number:.1%}" for number in (found, bound))
    return Finding(name, f"at least {needed}", shown, found >= bound)


def _none(name: str, examples: Sequence[str]) -> Finding:
    return Finding(name, "none", str(len(examples) or "none"), not examples, examples)
