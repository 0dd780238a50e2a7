"""The finetuned family: words, and an encoder that was trained for this task beside them.

Built like `models.encoder`, but the encoder learns too (`models.tuning`), for all labels of the codebook at once: topics
and stance share one, and a sentence is read once for both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import copy
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

import numpy as np

from data.splits import folds
from models.decision import YES, Decision
from models.embedding import LOUD, SentenceEncoder, Settings
from models.encoder import Encoder, beside
from models.heads import C, VectorHeads
from models.linear import Linear
from models.logistic import expit
from models.pretrained import SHIPPED
from models.tuning import DEFAULT, Tuning, Watch

if TYPE_CHECKING:
    from models.multilabel import Examples

TUNING = "tuning.json"
HELD_OUT = 8  # one article of so many is not learned from: it tells when to stop, and what the model is worth
MOST_HARM = 0.005  # macro F1 that int8 may cost


class FineTuned(Encoder):
    """`Linear` on the words, and an encoder with heads that was tuned to add to its log-odds.

    Args:
        base: name of the encoder to begin with (`models.pretrained.folder`).
        tuning: how it is tuned.
        C, seed: as `Linear` takes them; the seed is that of the tuning, too.
        checkpoints: where the tuning keeps what it needs to go on after a stop; none where it need not.
        watch: is told how the tuning goes.
    """

    family = "finetuned"

    def __init__(
        self,
        base: str = SHIPPED,
        tuning: Tuning = DEFAULT,
        C: float = C,
        seed: int = 0,
        checkpoints: Path | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.base = base
        self.tuning = tuning
        self.C = C
        self.seed = seed
        self.checkpoints = checkpoints
        self.watch = watch

    def fit(self, texts: Sequence[str], targets: np.ndarray, vectors: np.ndarray | None = None) -> Self:
        """Learn from all texts, for as long as the settings say; each counts as an article."""
        return self._learn(texts, targets, [str(i) for i in range(len(texts))], None)

    def cross_fit(
        self, texts: Sequence[str], targets: np.ndarray, articles: Sequence[str], vectors: np.ndarray | None = None
    ) -> np.ndarray:
        """Learn from seven articles of eight; the eighth tells when to stop. Sentences that were learned from are NaN."""
        kept, new = next(folds(articles, self.seed, HELD_OUT))
        unseen = [texts[i] for i in new]
        self._learn([texts[i] for i in kept], targets[kept], [articles[i] for i in kept], (unseen, targets[new]))
        probabilities = np.full(targets.shape, np.nan)
        probabilities[new] = self.predict_proba(unseen)
        return probabilities

    def save(self, folder: Path) -> None:
        """Write the encoder family's files, and `tuning.json`: how the encoder came to be."""
        super().save(folder)
        (folder / TUNING).write_text(json.dumps(self.made_), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, encoder: SentenceEncoder | None = None) -> Self:
        """Read what `save` wrote."""
        model = cls()
        model.encoder = encoder or SentenceEncoder(folder / "encoder")
        model._restore(folder)
        model.made_ = json.loads((folder / TUNING).read_text(encoding="utf-8"))
        return model

    def only(self, columns: slice) -> Self:
        """The same model with some of its labels."""
        part = copy(self)
        part.words_, part.heads_ = self.words_.only(columns), self.heads_.only(columns)
        return part

    def _learn(
        self, texts: Sequence[str], targets: np.ndarray, articles: Sequence[str], unseen: tuple[Sequence[str], np.ndarray] | None
    ) -> Self:
        from models import export, multilabel

        self.words_ = Linear(self.C, self.seed)
        learn = multilabel.Examples(texts, targets, beside(self.words_.cross_fit(texts, targets, articles)))
        check = multilabel.Examples(*unseen, self.words_.odds(unseen[0])) if unseen else None
        self._kept = TemporaryDirectory(prefix="sikap-")  # goes when the model goes
        encoder, tokenizer, self.heads_ = multilabel.tune(
            self.base, learn, check, self.tuning, self.seed, self.checkpoints or Path(self._kept.name, "checkpoints"), self.watch
        )

        def harm(exact: SentenceEncoder, small: SentenceEncoder) -> float:
            return _macro_f1_lost(check or learn, self.heads_, exact, small)

        folder = Path(self._kept.name, "encoder")
        settings = Settings(exact=LOUD if self.base == SHIPPED else ())
        lost = export.write(encoder, tokenizer, settings, folder, harm, MOST_HARM)
        self.encoder = SentenceEncoder(folder)
        self.made_ = {"base": self.base, **asdict(self.tuning), "int8_macro_f1_lost": round(lost, 4)}
        return self


def _macro_f1_lost(examples: Examples, heads: VectorHeads, exact: SentenceEncoder, small: SentenceEncoder) -> float:
    from sklearn.metrics import f1_score

    found = [expit(examples.odds + heads.odds(encoder.encode(examples.texts))) for encoder in (exact, small)]
    decision = Decision.fit(found[0], examples.targets, np.full(examples.targets.shape[1], -1))
    there = examples.targets.any(axis=0)
    given = [decision.decide(decision.calibrate(chances))[:, there] == YES for chances in found]
    scores = [f1_score(examples.targets[:, there], labels, average="macro", zero_division=0) for labels in given]
    return float(scores[0] - scores[1])
