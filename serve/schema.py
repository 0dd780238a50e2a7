"""What the endpoint takes and gives, as it stands in its OpenAPI description."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from data.article import Article, Sentence
from data.text import detect_language

MOST_ARTICLES = 100
MOST_SENTENCES = 5_000  # of a request, given as such or found in its articles
MOST_CHARACTERS = 2_000_000  # of an article
MOST_IN_SENTENCE = 20_000

Text = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GivenArticle(_Strict):
    """An article; `title` is kept by the sender and not labelled: what should be labelled belongs into `text`."""

    id: str = Field(min_length=1, max_length=500)
    title: str | None = Field(default=None, max_length=10_000)
    text: Text
    html: StrictBool = Field(default=False, description="Whether the text is an HTML page")


class Ask(_Strict):
    """What to label: just one of `text`, `articles` and `sentences`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "SCO bukan blok militer, kata sekretaris jenderalnya. Sanksi harus dicabut."},
                {"sentences": ["The ministers agreed to fight the drug trade together."]},
            ],
            "oneOf": [
                {"required": [name], "properties": {name: {"type": kind}}}
                for name, kind in (("text", "string"), ("articles", "array"), ("sentences", "array"))
            ],
        },
    )

    text: Text | None = Field(default=None, description="An article")
    html: StrictBool = Field(default=False, description="Whether `text` is an HTML page")
    articles: list[GivenArticle] | None = Field(default=None, min_length=1, max_length=MOST_ARTICLES)
    sentences: list[Annotated[str, Field(min_length=1, max_length=MOST_IN_SENTENCE)]] | None = Field(
        default=None, min_length=1, max_length=MOST_SENTENCES
    )
    everything: StrictBool = Field(default=False, description="Also the labels that are decided `no`")

    @model_validator(mode="after")
    def _just_one(self) -> Self:
        given = [name for name in ("text", "articles", "sentences") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected just one of text, articles and sentences, found {' and '.join(given) or 'none'}")
        return self

    def as_articles(self) -> list[Article]:
        """The articles of the request."""
        if self.text is not None:
            return [Article("article", self.text, "text", self.html)]
        return [Article(given.id, given.text, f"articles[{i}]", given.html) for i, given in enumerate(self.articles or [])]

    def as_sentences(self, languages: tuple[str, ...]) -> list[Sentence]:
        """Sentences that were given as such."""
        return [
            Sentence(f"sentence#{i}", "sentences", i, 0, len(text), text, detect_language(text, languages))
            for i, text in enumerate(self.sentences or [])
        ]


class Refusal(BaseModel):
    """Why there is no answer."""

    detail: str


def _refusals(reasons: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"schema": Refusal.model_json_schema()}}
    told: dict[int | str, dict[str, Any]] = {status: {"description": why, "content": content} for status, why in reasons.items()}
    if 429 in told:
        told[429] |= {"headers": {"Retry-After": {"required": True, "schema": {"type": "integer"}}}}
    return told


_KEY = {401: "No API key that is known"}
_WORK = {
    400: "The body cannot be read",
    408: "The body came too slowly",
    413: "Too large, or too many sentences",
    429: "Too much waits; come back after so many seconds as `Retry-After` tells",
    504: "Not done in time; send less",
}
KEYED = _refusals(_KEY)  # what may be answered where a key is all that is asked for
REFUSED = _refusals(_KEY | _WORK)  # what may be answered to a request that brings work


class Fault(BaseModel):
    """An article that could not be labelled; the others were."""

    article: str
    reason: str


class Answer(BaseModel):
    """Records as `sikap label` writes them, one a sentence."""

    records: list[dict[str, Any]]
    faults: list[Fault]
    model: dict[str, str | None] = Field(description="What made the labels: models and codebooks")


class ExplainAsk(_Strict):
    """A sentence, and one of the labels: a topic's id, or claim/side."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"sentence": "SCO bukan blok militer.", "label": "military-bloc/oppose"}]}
    )

    sentence: str = Field(min_length=1, max_length=1_000)
    label: str = Field(min_length=1, max_length=200)


class ExplainAnswer(BaseModel):
    """Words with their place in the sentence and how much they speak for the label, in log-odds."""

    label: str
    probability: float
    words: list[dict[str, Any]]


class Predictions(BaseModel):
    """What MLflow's protocol gives back: an entry for each row."""

    predictions: list[dict[str, Any]]


class BadInvocation(BaseModel):
    """What MLflow's protocol says to a body that it cannot read."""

    error_code: str
    message: str
