"""The demo company as a matrix to train on, built once and kept beside the other workloads."""

from __future__ import annotations

from benchmarks.workload.events import bench_folder
from features.dataset import Dataset, ModelName, build_datasets
from features.source import Source
from pipelines.config import Config, read_config
from pipelines.demo.company import generate_company
from pipelines.demonstration import CONFIG
from pipelines.home import Home, prepare_environment
from pipelines.source import open_company


def open_demo() -> tuple[Config, Source, Home]:
    """The demo company's tables, in a home of the benchmarks' own."""
    home = Home(bench_folder() / "demo_home")
    prepare_environment(home)
    generate_company(home.demo)
    config = read_config(CONFIG, data=home.demo)
    return config, open_company(config, home), home


def build_demo() -> tuple[Config, Source, Home, dict[ModelName, Dataset]]:
    """The same with the as-of rows of both models."""
    config, source, home = open_demo()
    return config, source, home, build_datasets(source, slices=config.slices)
