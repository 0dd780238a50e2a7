"""Labels a table of sentences on Spark, with a registered model as a function of its column `text`.

    spark-submit serve/deploy/spark.py sentences.parquet labels.parquet --model sikap-topics@champion

Each worker's Python needs what the model's requirements.txt names, and pyarrow, but not Sikap: the model brings the code that reads it.
$MLFLOW_TRACKING_URI names the store, as everywhere in MLflow.
https://mlflow.org/docs/latest/api_reference/python_api/mlflow.pyfunc.html#mlflow.pyfunc.spark_udf
"""

from __future__ import annotations

import argparse
import os

import mlflow
from pyspark.sql import SparkSession
from pyspark.sql.functions import col, when

LABELS = {
    "topics": "labels array<struct<id: string, probability: double, decision: string>>",
    "stance": "labels array<struct<claim: string, stance: string, tag: string, probability: double, decision: string>>",
}


def main() -> None:
    """Read Parquet, label, write Parquet: the columns that were there, and `labels` as `sikap label` writes them (null where there is no
    text). Claims that the model does not know are not labelled: the reader is a model of its own."""
    given = argparse.ArgumentParser(description=main.__doc__)
    given.add_argument("sentences")
    given.add_argument("labels")
    given.add_argument("--model", required=True, help="sikap-topics@champion, sikap-stance/3, ...")
    told = given.parse_args()
    task = told.model.removeprefix("sikap-").replace("@", "/").partition("/")[0]
    if task not in LABELS:
        given.error(f"--model {told.model}: expected a registered model such as sikap-topics@champion")

    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    spark = SparkSession.builder.appName("sikap").getOrCreate()
    label = mlflow.pyfunc.spark_udf(spark, f"models:/{told.model}", result_type=LABELS[task], env_manager="local")
    table = spark.read.parquet(told.sentences)
    table.withColumn("labels", when(col("text").isNotNull(), label("text").labels)).write.parquet(told.labels)
    spark.stop()


if __name__ == "__main__":
    main()
