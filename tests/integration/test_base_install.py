"""The base install has no training packages: a command that needs them says what to install."""

from __future__ import annotations

import subprocess
import sys

WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(("sqlglot", "yaml", "duckdb", "pandas")))
from pipelines.cli import main
main()
"""


def test_a_command_that_needs_training_packages_says_what_to_install() -> None:
    command = (sys.executable, "-c", WITHOUT, "run", "--config", "configs/demo.yaml")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == (
        "error: this command needs yaml, which is not installed; install keepwell[train]\n"
    )
