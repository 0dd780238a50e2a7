"""The pair family: an encoder that reads a claim and a sentence together, and says support, oppose or none.

The other families know the claims that they were trained on, by number. This one reads the claim's words, so it answers for claims
that it has never seen. A cross-encoder, as for natural-language inference (Devlin et al. 2019, https://arxiv.org/abs/1810.04805;
zero-shot use: Yin, Hay and Roth 2019, https://arxiv.org/abs/1909.00161).

Reading costs a pass of the encoder for each claim, so a gate (`models.gate`) lets only those sentences through that may concern the
claim; and for the claims that were trained on, what the family `encoder` says is heard too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import copy
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from data.codebook import SIDES, Claim
from data.pairs import STANCES, Pair
from data.splits import folds
from data.text import detect_language
from models import drawing
from models.base import Reader
from models.blend import CLOSED, Blend
from models.drawing import Labelled, Material
from models.embedding import LOUD, SentenceEncoder, Settings
from models.encoder import Encoder
from models.gate import Gate
from models.heads import VectorHeads
from models.pretrained import SHIPPED
from models.tuning import Tuning, Watch

SETTINGS = "pair.json"
HELD_OUT = 8  # one article of so many is not learned from: it tells what the model is worth
MEASURED = 1500  # of the held-out sentences, how many are read with every claim to measure it; with 500, thresholds are chance
GATE_ROWS = 4000  # of the material's rows, how many the gate learns from
GATE_OTHERS = 3  # claims that a sentence does not concern, for one that it does
JUDGES = 900  # pairs at most that tell what int8 costs
MOST_HARM = 0.01  # macro F1 that it may cost: one in a hundred of them
NOTHING = Material()
DEFAULT = Tuning(layers=0, frozen=4, batch=16, rate=1.5e-4, inner_dropout=0.0)


class PairModel(Reader):
    """Reads pairs; given texts alone, it pairs them with each claim that it has.

    Args:
        claims: of the codebook, in its order.
        material: what to learn from beside the sentences.
        base: name of the encoder to begin with (`models.pretrained.folder`).
        tuning: how it is tuned.
        seed: of all that is drawn.
        checkpoints: where the tuning keeps what it needs to go on after a stop; none where it need not.
        watch: is told how the tuning goes.
    """

    family = "pair"
    heads_: Encoder | None = None  # where it learned from labelled sentences
    gate_: Gate | None = None  # where those, and the rows, concern at least two claims
    blend_ = Blend()

    def __init__(
        self,
        claims: Sequence[Claim] = (),
        material: Material = NOTHING,
        base: str = SHIPPED,
        tuning: Tuning = DEFAULT,
        seed: int = 0,
        checkpoints: Path | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.claims = tuple(claims)
        self.material = material
        self.base = base
        self.tuning = tuning
        self.seed = seed
        self.checkpoints = checkpoints
        self.watch = watch

    def fit(self, texts: Sequence[str], targets: np.ndarray, vectors: np.ndarray | None = None) -> Self:
        """Learn from all texts; each counts as an article.

        Raises:
            ValueError: the targets are not those of the claims, two columns each.
        """
        articles = [str(i) for i in range(len(texts))]
        heard, vectors = self._hear(texts, targets, articles, vectors)
        self._read(texts, targets, heard, [])
        self._learn_gate(texts, targets, vectors)
        return self

    def cross_fit(
        self, texts: Sequence[str], targets: np.ndarray, articles: Sequence[str], vectors: np.ndarray | None = None
    ) -> np.ndarray:
        """Learn from seven articles of eight; some sentences of the eighth are read with every claim. The others' are NaN."""
        heard, vectors = self._hear(texts, targets, articles, vectors)
        kept, new = next(folds(articles, self.seed, HELD_OUT))
        new = np.sort(np.random.default_rng(self.seed).permutation(new)[:MEASURED])
        unseen = [
            Pair(texts[i], statement, stance)
            for i in new
            for statement, stance in zip(self._statements(texts[i]), self._stances(targets[i]), strict=True)
        ]
        self._read([texts[i] for i in kept], targets[kept], heard[kept], unseen)
        self._learn_gate([texts[i] for i in kept], targets[kept], vectors[kept])
        read = self._chances([texts[i] for i in new], vectors[new])
        self.blend_ = Blend().fit(read, heard[new], targets[new])
        probabilities = np.full(targets.shape, np.nan)
        probabilities[new] = self.blend_.both(read, heard[new])
        return probabilities

    def fit_pairs(self, unseen: Sequence[Pair]) -> np.ndarray:
        """Learn from the material alone, and give the probabilities of support and oppose for pairs beside it, shape (n, 2)."""
        self._read([], np.zeros((0, len(SIDES) * len(self.claims))), np.zeros((0, len(SIDES) * len(self.claims))), unseen)
        return self.read([(pair.target, pair.text) for pair in unseen])[:, : len(SIDES)]

    def read(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        """Probabilities of support, oppose and none for claims with normalised sentences, float64 of shape (n, 3)."""
        odds = self.sides_.odds(self.reader_.encode(pairs).astype(np.float64))
        likely = np.exp(odds - odds.max(axis=1, keepdims=True))
        return likely / likely.sum(axis=1, keepdims=True)

    def predict_proba(self, texts: Sequence[str], vectors: np.ndarray | None = None) -> np.ndarray:
        """Probabilities, shape (n, n_labels): support and oppose for each claim, whose statement is read in the sentence's language."""
        if self.heads_:
            vectors = self.heads_.encoder.encode(texts) if vectors is None else vectors
        read = self._chances(texts, vectors)
        found = self.blend_.alone(read)
        if self.heads_ and len(texts):
            heard = self.heads_.predict_proba(texts, vectors)
            for mine, claim in enumerate(self.claims):
                if claim.id in self.known_:
                    here, there = (slice(len(SIDES) * i, len(SIDES) * (i + 1)) for i in (mine, self.known_.index(claim.id)))
                    found[:, here] = self.blend_.both(read[:, here], heard[:, there])
        return found

    def about(self, claims: Sequence[Claim]) -> Self:
        """The same model, asked for other claims."""
        other = copy(self)
        other.claims = tuple(claims)
        return other

    def save(self, folder: Path) -> None:
        """Write `pair.json` (claims, and how the encoder came to be), `reader.safetensors`, the folder `reader/`, and where they were
        learned, the encoder family's files and `gate.safetensors`."""
        content = {"claims": [claim.model_dump(mode="json") for claim in self.claims], "tuning": self.made_, "blend": asdict(self.blend_)}
        (folder / SETTINGS).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        save_file(self.sides_.tensors(), folder / "reader.safetensors")
        self.reader_.copy_to(folder / "reader")
        if self.heads_:
            self.heads_.save(folder)
        if self.gate_:
            save_file(self.gate_.tensors(), folder / "gate.safetensors")

    @classmethod
    def load(cls, folder: Path, encoder: SentenceEncoder | None = None) -> Self:
        """Read what `save` wrote."""
        content = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        model = cls([Claim.model_validate(claim) for claim in content["claims"]])
        model.made_ = content["tuning"]
        model.blend_ = Blend(**content["blend"])
        model.sides_ = VectorHeads().from_tensors(load_file(folder / "reader.safetensors"))
        model.reader_ = SentenceEncoder(folder / "reader")
        if (folder / "encoder").is_dir():
            model.heads_ = Encoder.load(folder, encoder)
            model.encoder = model.heads_.encoder
            model.known_ = [claim.id for claim in model.claims]
        if (folder / "gate.safetensors").is_file():
            model.gate_ = Gate().from_tensors(load_file(folder / "gate.safetensors"))
        return model

    def _hear(
        self, texts: Sequence[str], targets: np.ndarray, articles: Sequence[str], vectors: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Learn the encoder family's heads; what they say of articles that they have not seen, and the vectors."""
        self._expect(targets)
        self.heads_ = Encoder(SentenceEncoder.named(self.base), seed=self.seed)
        self.encoder = self.heads_.encoder
        self.known_ = [claim.id for claim in self.claims]
        vectors = self.encoder.encode(texts) if vectors is None else vectors
        return self.heads_.cross_fit(texts, targets, articles, vectors), vectors

    def _read(self, texts: Sequence[str], targets: np.ndarray, heard: np.ndarray, unseen: Sequence[Pair]) -> None:
        """Tune the encoder that reads pairs."""
        from models import crossencoder, export

        self._expect(targets)
        rng = np.random.default_rng(self.seed)
        labelled = self._labelled(texts, targets, heard) if len(texts) else None
        pairs = [*self.material.first]
        for epoch in range(self.tuning.epochs):
            pairs += drawing.once(labelled, self.material, rng, vary=epoch > 0)
        self._kept = TemporaryDirectory(prefix="sikap-")  # goes when the model goes
        checkpoints = self.checkpoints or Path(self._kept.name, "checkpoints")
        encoder, tokenizer, self.sides_ = crossencoder.tune(self.base, pairs, self.tuning, self.seed, checkpoints, self.watch)

        def harm(exact: SentenceEncoder, small: SentenceEncoder) -> float:
            return _macro_f1_lost(_even(unseen or pairs[:JUDGES], rng), self.sides_, exact, small)

        folder = Path(self._kept.name, "reader")
        settings = Settings(max_tokens=self.tuning.max_tokens, exact=LOUD if self.base == SHIPPED else ())
        lost = export.write(encoder, tokenizer, settings, folder, harm, MOST_HARM)
        self.reader_ = SentenceEncoder(folder)
        self.made_ = {"base": self.base, **asdict(self.tuning), "pairs": len(pairs), "int8_macro_f1_lost": round(lost, 4)}

    def _learn_gate(self, texts: Sequence[str], targets: np.ndarray, vectors: np.ndarray) -> None:
        """Learn which sentences concern a claim: those with a stance on it, and all that the material has for it."""
        assert self.encoder
        rng = np.random.default_rng(self.seed)
        concerned = [
            (vector, statement)
            for text, target, vector in zip(texts, targets, vectors, strict=True)
            for statement, stance in zip(self._statements(text), self._stances(target), strict=True)
            if stance != "none"
        ]
        rows = [self.material.rows[i] for i in rng.permutation(len(self.material.rows))[:GATE_ROWS]]
        concerned += zip(self.encoder.encode([row.text for row in rows]), [row.target for row in rows], strict=True)
        statements = list(dict.fromkeys(statement for _, statement in concerned))
        if len(statements) < 2:
            return
        vector_of = dict(zip(statements, self.encoder.encode(statements), strict=True))
        beside = [(vector, statements[rng.integers(len(statements))]) for vector, _ in concerned for _ in range(GATE_OTHERS)]
        everything = concerned + beside
        self.gate_ = Gate().fit(
            np.stack([vector for vector, _ in everything]),
            np.stack([vector_of[statement] for _, statement in everything]),
            np.arange(len(everything)) < len(concerned),
            [statement for _, statement in everything],
            self.seed,
        )

    def _chances(self, texts: Sequence[str], vectors: np.ndarray | None) -> np.ndarray:
        """Probabilities of support and oppose for each claim, shape (n, n_labels); next to nothing where the gate is closed."""
        found = np.full((len(texts), len(self.claims), len(SIDES)), CLOSED)
        stated = [self._statements(text) for text in texts]
        passes = np.full(found.shape[:2], True)
        if self.heads_ and self.gate_ and vectors is not None and found.size:
            distinct = list(dict.fromkeys(statement for statements in stated for statement in statements))
            vector_of = dict(zip(distinct, self.heads_.encoder.encode(distinct), strict=True))
            passes = self.gate_.passes(vectors, np.array([[vector_of[statement] for statement in row] for row in stated]))
        where = np.argwhere(passes)
        if len(where):
            found[passes] = self.read([(stated[text][claim], texts[text]) for text, claim in where])[:, : len(SIDES)]
        return found.reshape(len(texts), len(SIDES) * len(self.claims))

    def _expect(self, targets: np.ndarray) -> None:
        if targets.shape[1] != len(SIDES) * len(self.claims):
            raise ValueError(f"expected targets for {len(self.claims)} claims, two columns each, found {targets.shape[1]} columns")

    def _labelled(self, texts: Sequence[str], targets: np.ndarray, heard: np.ndarray) -> Labelled:
        likeness = heard.reshape(len(texts), -1, len(SIDES)).max(axis=2)
        stances = np.array([[STANCES.index(stance) for stance in self._stances(row)] for row in targets])
        languages = [self._language(text) for text in texts]
        return Labelled(texts, languages, stances, likeness, [self.material.of(claim) for claim in self.claims])

    def _stances(self, target: np.ndarray) -> list[str]:
        """The stance on each claim, from a row of targets."""
        return [SIDES[side.argmax()] if side.any() else "none" for side in target.reshape(-1, len(SIDES))]

    def _statements(self, text: str) -> list[str]:
        """Each claim as it is stated in the sentence's language, or else in its first."""
        language = self._language(text)
        return [claim.statement.get(language) or next(iter(claim.statement.values())) for claim in self.claims]

    def _language(self, text: str) -> str:
        return detect_language(text, tuple(dict.fromkeys(language for claim in self.claims for language in claim.statement)))


def _even(pairs: Sequence[Pair], rng: np.random.Generator) -> list[Pair]:
    """Some of the pairs, of no stance more than a third, so that the rare ones are heard."""
    mixed = [pairs[i] for i in rng.permutation(len(pairs))]
    return [pair for stance in STANCES for pair in [pair for pair in mixed if pair.stance == stance][: JUDGES // len(STANCES)]]


def _macro_f1_lost(pairs: Sequence[Pair], heads: VectorHeads, exact: SentenceEncoder, small: SentenceEncoder) -> float:
    from sklearn.metrics import f1_score

    inputs = [(pair.target, pair.text) for pair in pairs]
    stances = [STANCES.index(pair.stance) for pair in pairs]
    found = [heads.odds(encoder.encode(inputs)).argmax(axis=1) for encoder in (exact, small)]
    scores = [f1_score(stances, given, average="macro", zero_division=0) for given in found]
    return float(scores[0] - scores[1])
