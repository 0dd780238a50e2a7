"""Text: language, sentences, and the form in which a sentence reaches a model.

Sentences come from `sentencex` (https://pypi.org/project/sentencex/), which knows Indonesian, with two additions that
news needs: quotations are split inside, and abbreviations that it does not know end no sentence.
Boilerplate is not this module's matter (`data.clean`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

NORMALISER = 1  # version of `normalise`; a model folder names the one that it was trained with

Span = tuple[int, int]  # start and end, in characters, end not included

_FOLD = str.maketrans(dict.fromkeys("“”„«»", '"') | dict.fromkeys("‘’`´", "'") | dict.fromkeys("‐‑‒–—―", "-"))
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff\x00-\x08\x0e-\x1f\x7f]")
_SPACE = re.compile(r"\s+")

_QUOTES = re.compile('["“”„«»]')
_CLOSING = re.compile(r'["”»’\')\]]+')
# Abbreviations of Indonesian news after which sentencex sees an end; single letters it knows by itself.
_ABBREVIATION = re.compile(
    r"\b(?:Jl|Jln|Gg|No|PT|CV|UD|Tbk|Ir|Drs|Dra|Hj|KH|Ny|Tn|Sdr|Yth|Kol|Letkol|Letjen|Mayjen|Brigjen|Irjen|Komjen|Kombes"
    r"|Kompol|Ipda|Iptu|Marsda|Marsdya|Laksda|Laksdya|Kab|Kec|Kel|Kep|tgl|hlm|[a-z]\.[a-z]|Gen|Lt|Col|Maj|Sgt|Rep|Sen|Gov|St)\.$"
)


def normalise(text: str) -> str:
    """The form in which models see a sentence: one kind of quotes, dashes and spaces, nothing invisible.

    >>> normalise("“Kami  siap” – ujarnya\\u200b")
    '"Kami siap" - ujarnya'
    """
    return _SPACE.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text).translate(_FOLD))).strip()


@lru_cache(maxsize=4)
def _identifier(languages: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(languages))
    return identifier


def detect_language(text: str, languages: tuple[str, ...] = ("id", "en")) -> str:
    """The likeliest of `languages` (py3langid; Lui and Baldwin 2012, https://aclanthology.org/P12-3005/).

    >>> detect_language("Pasukan itu akan ditarik dari perbatasan."), detect_language("The talks broke down on Monday.")
    ('id', 'en')
    """
    return languages[0] if len(languages) == 1 else _identifier(languages).classify(text)[0]


def split(text: str, language: str) -> list[Span]:
    """Spans of the sentences of one paragraph, in order, without surrounding space.

    A quotation of several sentences gives several spans; its closing mark stays with the sentence that it ends.

    >>> text = '"SCO bukan blok. Kami netral," kata Dr. H. Amir. Ia pergi.'
    >>> [text[a:b] for a, b in split(text, "id")]
    ['"SCO bukan blok.', 'Kami netral," kata Dr. H. Amir.', 'Ia pergi.']
    """
    from sentencex import get_sentence_boundaries

    # sentencex keeps a quotation whole: without its marks, the sentences inside are sentences like any other.
    bare = _QUOTES.sub(" ", text)
    spans: list[Span] = []
    start = 0
    for boundary in get_sentence_boundaries(language, bare):
        end = boundary["start_index"] + len(boundary["text"].rstrip())
        closing = _CLOSING.match(text, end)
        end = closing.end() if closing else end
        if end <= start:
            continue
        if spans and _continues(text[max(0, start - 20) : start], text[start:end]):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
        start = end
    trimmed = (_trim(text, span) for span in spans)
    return [span for span in trimmed if any(character.isalnum() for character in text[slice(*span)])]


def _continues(before: str, after: str) -> bool:
    """Whether `after` goes on with the sentence `before`: it begins small, or `before` ends in an abbreviation."""
    first = next((character for character in after if character.isalnum()), "")
    return first.islower() or not first or bool(_ABBREVIATION.search(before))


def _trim(text: str, span: Span) -> Span:
    start, end = span
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
