"""Spark for small tables: compiling queries takes longer than running them."""

from __future__ import annotations

import os

_OPTIONS = {
    "spark.master": "local[1]",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "'-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "1",
}


def configure_spark() -> None:
    """Set how the next Spark of this process starts."""
    options = " ".join(f"--conf {key}={value}" for key, value in _OPTIONS.items())
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"{options} pyspark-shell"
