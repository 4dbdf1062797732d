"""One Spark for all tests of this folder; it starts in some seconds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.spark import Spark, open_spark
from tests.spark.quick import configure_spark


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    """Spark on this machine, skipped where it has no Java."""
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and this machine has none")
    configure_spark()
    opened = open_spark(Path(tmp_path_factory.mktemp("spark")))
    yield opened
    opened.close()
    opened.session.stop()
