"""Labels by reference: labelled sentences without their text, for articles that may not be copied.

A row names its article by the SHA-256 of the text and its sentence by offsets and a SHA-256 of its own. Whoever has the
articles turns such rows into training rows (`hydrate`); whoever labels articles of their own can share the labels alone
(`dehydrate`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from data import article, corpus, text
from data.article import Article, Fault
from data.codebook import Codebook
from data.locate import Locator, characters

FIELDS = ("article", "name", "start", "end", "sentence", "lang", "topics", "stances")

Row = dict[str, Any]


def article_hash(content: str) -> str:
    """SHA-256 (hex) of an article's text in UTF-8; for a plain text file without byte-order mark this is the file's own."""
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


def sentence_hash(sentence: str) -> str:
    """SHA-256 (hex) of a sentence in the form in which models see it, so that quotes and spaces do not matter.

    >>> sentence_hash("“Kami  siap”") == sentence_hash('"Kami siap"')
    True
    """
    return hashlib.sha256(text.normalise(sentence).encode("utf-8")).hexdigest()


def dehydrate(rows: Iterable[tuple[str, Row | Fault]], articles: Iterable[Article], codebook: Codebook) -> Iterator[Row | Fault]:
    """References for labelled sentences, each found again in its article; a `Fault` for one that is wrong or not found.

    Args:
        rows: labelled sentences with where each stands; `article` names the article (its file's name without suffix).
        articles: where the sentences come from.
    """
    known: dict[str, tuple[Article, Locator]] = {}
    for found in articles:
        if not found.is_html:  # offsets into markup would not survive another copy of the page
            known[found.id] = found, Locator(characters(found.text))
    for source, row in rows:
        problems = [row.reason] if isinstance(row, Fault) else corpus.problems(row, codebook)
        if isinstance(row, Fault) or problems:
            yield Fault(source, "; ".join(problems))
            continue
        if str(row.get("article")) not in known:
            yield Fault(source, f"field 'article': expected an article of the folder in plain text, found {row.get('article')!r}")
            continue
        home, locator = known[str(row["article"])]
        span = locator.find(row["text"])
        if span is None:
            yield Fault(source, f"field 'text': expected a sentence of {home.source}, found {row['text']!r:.80}")
            continue
        piece = home.text[slice(*span)]
        yield {
            "article": article_hash(home.text),
            "name": home.id,
            "start": span[0],
            "end": span[1],
            "sentence": sentence_hash(piece),
            "lang": row.get("lang") or text.detect_language(piece, codebook.languages),
            "topics": row.get("topics") or [],
            "stances": row.get("stances") or [],
        }


def hydrate(references: Iterable[tuple[str, Row | Fault]], articles: Iterable[Article], codebook: Codebook) -> Iterator[Row | Fault]:
    """Training rows for references, with the text out of the articles; a `Fault` for one that is wrong or not found.

    An article is known by its hash. Where it is missing, or reached its reader through other hands (another page, other
    boilerplate), its sentences are still known by theirs.
    """
    home = {article_hash(found.text): found for found in articles}
    spread: dict[str, str] | None = None  # text of each sentence that our own splitting finds, by hash
    absent: Counter[tuple[str, str]] = Counter()
    seen: dict[str, str] = {}
    for source, row in references:
        wrong = row.reason if isinstance(row, Fault) else _wrong(row)
        if isinstance(row, Fault) or wrong:
            yield Fault(source, wrong)
            continue
        known = home.get(row["article"])
        piece = " ".join(known.text[row["start"] : row["end"]].split()) if known else ""
        if sentence_hash(piece) != row["sentence"]:
            spread = _sentences(home.values(), codebook) if spread is None else spread
            piece = spread.get(row["sentence"], "")
        name = f"{row['article'][:8]}:{row['start']}"
        problems = corpus.problems(row | {"text": piece or "-"}, codebook)
        if name in seen:
            problems.append(f"expected each sentence once, found it also in {seen[name]}")
        if problems:
            yield Fault(source, "; ".join(problems))
        elif piece:
            seen[name] = source
            group = f"{row['name']}@{row['article'][:8]}"
            labels = {field: row[field] for field in ("lang", "topics", "stances")}
            yield {"id": name, "article": group, "text": piece, **labels, "source": "hydrated"}
        elif known:
            yield Fault(source, f"{row['name']}: expected the sentence at characters {row['start']} to {row['end']}, found another")
        else:
            absent[row["name"], row["article"]] += 1
    for (name, digest), number in absent.items():
        yield Fault(name, f"no such article in the folder (SHA-256 {digest[:12]}…), and {number} of its sentences nowhere in it")


def _wrong(row: Row) -> str:
    """What keeps a row from being a reference, in words; empty where nothing does."""
    missing = [field for field in FIELDS if field not in row]
    if missing:
        return f"expected the fields {', '.join(FIELDS)}, found no {', '.join(missing)}"
    wrong = [field for field in ("article", "name", "sentence") if not isinstance(row[field], str)]
    wrong += [field for field in ("start", "end") if type(row[field]) is not int or row[field] < 0]
    return f"expected words in article, name and sentence and offsets in start and end, found {row[wrong[0]]!r:.60}" if wrong else ""


def _sentences(articles: Iterable[Article], codebook: Codebook) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in articles:
        try:
            found |= {sentence_hash(sentence.text): sentence.text for sentence in article.sentences(one, codebook.languages)}
        except article.Unreadable:
            continue  # an article without sentences has none to give; its references are named
    return found
