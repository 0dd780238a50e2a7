"""The prediction endpoint: articles or sentences in, the records of `sikap label` out, and the page that shows them.

Labelling happens in one thread (`serve.batcher`), explaining in another (`serve.turns`), with the models that serve when a request
comes (`serve.live`); what stands before it is in `serve.guard`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool

from data.article import Sentence, Unreadable, sentences
from data.codebook import Task
from models import explain as explaining
from models.store import Stored
from serve import protocol
from serve.batcher import MOST_WAITING, Batcher, Full
from serve.guard import Guard
from serve.live import Live
from serve.meters import Meters
from serve.predictor import Predictor, Record
from serve.schema import KEYED, MOST_SENTENCES, REFUSED, Answer, Ask, BadInvocation, ExplainAnswer, ExplainAsk, Predictions
from serve.turns import Turns

Result = TypeVar("Result")

PAGE = Path(__file__).with_name("page")
TIMEOUT = 60.0  # seconds in which a request has to be labelled
PER_SECOND = 100  # sentences that a slow machine labels; tells who is sent away when to come back
MOST_EXPLAINED = 4  # explanations that may wait for the one being made, a second or so each: the last still comes in time for its reader
SAFE = {"content-security-policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'", "x-content-type-options": "nosniff"}


def create(live: Live, keys: Iterable[str] = (), log: bool = True, most_waiting: int = MOST_WAITING, timeout: float = TIMEOUT) -> Guard:
    """The application, guarded.

    Args:
        live: the models that serve.
        keys: digests of API keys (`serve.guard.digest`); none lets everybody in.
        log: write a line of JSON for each request; never with text.
        most_waiting: sentences that may wait to be labelled; more are refused with 429.
        timeout: seconds after which a request that is not labelled or explained is given up with 504.
    """
    meters = Meters()
    batcher = Batcher(most_waiting, meters.batches.observe)
    turns = Turns(MOST_EXPLAINED)  # an explanation takes as many passes as the sentence has words

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(batcher.close)
        turns.close()
        live.close()

    app = FastAPIOffline(
        title="Sikap",
        version=version("sikap"),
        description="Tags the sentences of security news with topics and stances.",
        lifespan=lifespan,
        redoc_url=None,  # /docs is enough
    )

    async def in_time(future: Future[Result]) -> Result:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), timeout)
        except TimeoutError as error:
            raise HTTPException(504, f"not done within {timeout:.0f} seconds; send less at a time") from error

    async def labelled(request: Request, predictor: Predictor, found: list[Sentence], everything: bool = False) -> list[Record]:
        if len(found) > MOST_SENTENCES:
            raise HTTPException(413, f"expected at most {MOST_SENTENCES:,} sentences in a request, found {len(found):,}")
        request.state.told = {"sentences": len(found), "model": predictor.made_by}
        try:
            future = batcher.submit(predictor, found, everything)
        except Full as error:
            after = str(max(1, batcher.waiting // PER_SECOND))
            raise HTTPException(429, "too many sentences wait to be labelled; come back later", {"retry-after": after}) from error
        records = await in_time(future)
        meters.count_labels(records)
        return records

    @app.post("/label", response_model=Answer, responses=REFUSED)
    async def label(request: Request, ask: Ask) -> Response:
        """Label an article, several, or sentences: one record a sentence."""
        predictor = live.predictor
        found, faults = await run_in_threadpool(_sentences, ask, predictor.languages)
        if ask.text is not None and faults:
            error = {"type": "value_error", "loc": ["body", "text"], "msg": faults[0]["reason"]}
            return JSONResponse({"detail": [error]}, 422)
        records = await labelled(request, predictor, found, ask.everything)
        return JSONResponse({"records": records, "faults": faults, "model": predictor.made_by})

    @app.post("/explain", response_model=ExplainAnswer, responses=REFUSED)
    async def explain(ask: ExplainAsk) -> Response:
        """Which words of a sentence carried a label."""
        for stored in reversed(live.predictor.models):  # as in labelling, the reader's word is the last on its claims
            if ask.label in stored.labels:
                try:
                    future = turns.submit(explaining.explain, stored, ask.sentence, ask.label)
                except Full as error:
                    after = str(MOST_EXPLAINED)
                    raise HTTPException(429, "too many explanations wait; come back later", {"retry-after": after}) from error
                (found,) = await in_time(future)
                return JSONResponse({"label": found.label, "probability": found.probability, "words": [vars(word) for word in found.words]})
        raise HTTPException(422, [{"type": "value_error", "loc": ["body", "label"], "msg": f"no model here has the label {ask.label!r}"}])

    @app.get("/codebook", responses=KEYED)
    async def codebook() -> dict[str, Any]:
        """Topics and claims that are labelled, with their definitions."""
        predictor = live.predictor
        books = {task: [stored.codebook for stored in predictor.models if stored.task is task] for task in Task}
        topics = {topic.id: topic for book in books[Task.topics] for topic in book.topics}
        claims = {claim.id: claim for book in books[Task.stance] for claim in book.claims}
        entries = {
            name: [entry.model_dump(mode="json") for entry in found.values()] for name, found in (("topics", topics), ("claims", claims))
        }
        return {"codebook": predictor.codebooks} | entries

    @app.get("/model", responses=KEYED)
    async def model() -> dict[str, Any]:
        """The models that serve: versions, what they were made from, their figures out of fold."""
        return {"model": live.predictor.made_by, "models": [_told(stored) for stored in live.predictor.models]}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the server runs."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> dict[str, Any]:
        """Whether models are loaded, and whether a newer one could not be."""
        return {"ready": batcher.works, "model": live.predictor.made_by, "trouble": live.trouble}

    @app.get("/metrics", response_class=PlainTextResponse, responses=KEYED)
    async def metrics() -> Response:
        """Meters for Prometheus."""
        text = meters.text(live.predictor.made_by, batcher.waiting, live.changes, live.failures)
        return Response(text, media_type="text/plain; version=0.0.4")

    @app.post(
        "/invocations",
        response_model=Predictions,
        responses=REFUSED | {400: {"model": BadInvocation}},
        openapi_extra={"requestBody": protocol.BODY},
    )
    async def invocations(request: Request) -> Response:
        """MLflow's scoring protocol: rows with a column `text`."""
        try:
            texts = protocol.texts(await request.body(), request.headers.get("content-type", "application/json"))
        except ValueError as error:
            return JSONResponse({"error_code": "BAD_REQUEST", "message": str(error)}, 400)
        predictor = live.predictor
        found = [Sentence(f"{i}", "", i, 0, len(text), text, "") for i, text in enumerate(texts)]
        records = await labelled(request, predictor, found)
        return JSONResponse({"predictions": [{"topics": record["topics"], "stances": record["stances"]} for record in records]})

    @app.get("/health", response_class=Response)
    @app.get("/ping", response_class=Response)
    async def ping() -> Response:
        """MLflow's question whether the server runs."""
        return Response("\n", media_type="application/json")

    @app.get("/version", response_class=PlainTextResponse, responses=KEYED)
    async def mlflow_version() -> str:
        """The MLflow version whose protocol is spoken."""
        return version("mlflow")

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return FileResponse(PAGE / "index.html", headers=SAFE)

    @app.exception_handler(RequestValidationError)
    async def told(_: Request, error: RequestValidationError) -> Response:
        """What was wrong and where, without giving back what was sent."""
        wrong = [{"type": e["type"], "loc": list(e["loc"]), "msg": e["msg"]} for e in error.errors()]
        return JSONResponse({"detail": wrong}, 422)

    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    paths = frozenset(route.path for route in app.routes if hasattr(route, "path"))
    return Guard(app, keys, meters.request(paths), log)


def _sentences(ask: Ask, languages: tuple[str, ...]) -> tuple[list[Sentence], list[dict[str, str]]]:
    """All sentences of a request, and the articles that have none."""
    found: list[Sentence] = ask.as_sentences(languages)
    faults = []
    for article in ask.as_articles():
        try:
            found += sentences(article, languages)
        except Unreadable as reason:
            faults.append({"article": article.id, "reason": str(reason)})
    return found, faults


def _told(stored: Stored) -> dict[str, Any]:
    manifest = stored.manifest
    kept = {name: manifest[name] for name in ("task", "family", "digest", "codebook", "made_from")}
    decision = stored.decision
    return {"model": stored.reference} | kept | {"calibration": decision.calibration.method, "promise": vars(decision.promise)}
