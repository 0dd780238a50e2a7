"""The model as MLflow serves it: `mlflow.pyfunc.load_model(...).predict(dataframe with a column text)`.

MLflow runs this file to make the model ("models from code", https://mlflow.org/docs/latest/ml/model/models-from-code/),
with the folders `data` and `models` beside it, so that the loading process needs to know nothing of Sikap.
"""

from __future__ import annotations

from typing import Any

import mlflow
import pandas as pd

from models import store
from models.registry import ARTIFACT


class SikapModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """Sentences in, decided labels out."""

    def load_context(self, context: Any) -> None:
        """Load the model folder that was logged with this file."""
        self.stored = store.load(context.artifacts[ARTIFACT])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row a sentence: `labels`, those decided yes or review, as `sikap label` writes them."""
        from models.labels import FIELD, label

        labelled = label([self.stored], model_input["text"].astype(str).tolist())
        return pd.DataFrame({"labels": [sentence[FIELD[self.stored.task]] for sentence in labelled]}, index=model_input.index)


mlflow.models.set_model(SikapModel())
