"""The same data, seed and versions give the same features and models, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from features.extract import depends_on_order

# Run in a process of its own, on several threads: prints a digest per model of its features and
# the digest of its booster.
RUN = """
import hashlib, sys
from pathlib import Path
from features.dataset import build_datasets
from models.settings import TrainingSettings
from models.training import fit_model
from pipelines.config import read_config
from pipelines.demonstration import CONFIG
from pipelines.home import Home
from pipelines.source import model_table, open_company

config = read_config(CONFIG, data=Path(sys.argv[1]))
source = open_company(config, Home(Path(sys.argv[2])))
source.connection.execute("SET threads = 4")
for name, dataset in build_datasets(source, slices=config.slices).items():
    digest = hashlib.sha256("|".join(dataset.features.columns).encode())
    for frame in (dataset.rows, dataset.features):
        for column in frame:
            values = frame[column].to_numpy()
            plain = repr(values.tolist()).encode() if values.dtype == object else values.tobytes()
            digest.update(plain)
    table = model_table(dataset, config)
    fitted = fit_model(table.part(table.mature), settings=TrainingSettings(max_trees=30))
    text = fitted.predictor.booster.model_to_string()
    print(name, digest.hexdigest(), hashlib.sha256(text.encode()).hexdigest())
"""


def run(company: Path, home: Path, *, seed: int) -> str:
    """What a fresh process finds; the seed is that of Python's hashes, hence of its sets."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "KEEPWELL_HOME": str(home)}
    command = [sys.executable, "-c", RUN, str(company), str(home)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_processes_find_the_same_features_and_models(
    demo_company: Path, tmp_path: Path
) -> None:
    first = run(demo_company, tmp_path / "one", seed=1)
    assert first.count("\n") == 2
    assert run(demo_company, tmp_path / "two", seed=2) == first


@pytest.mark.parametrize(
    ("query", "depends"),
    [
        ("SELECT account_id, name FROM read_csv('a.csv')", False),
        ("SELECT a, CAST(b AS DOUBLE) AS b FROM t JOIN u USING (a) WHERE a IN (1, 2)", False),
        ("SELECT a, sum(b) AS b FROM t GROUP BY a", True),
        ("SELECT a, row_number() OVER (ORDER BY b) AS n FROM t", True),
        ("SELECT DISTINCT ON (a) a, b FROM t ORDER BY b", True),
        ("SELECT a FROM t ORDER BY b LIMIT 3", True),
        ("SELECT a, fsum(b) FROM t GROUP BY a", True),
    ],
)
def test_a_query_that_adds_up_or_chooses_depends_on_the_order_of_its_rows(
    query: str, depends: bool
) -> None:
    assert depends_on_order(query) is depends
