"""How quickly the command line answers: ``keepwell --help`` against a bare ``import typer``.

Run with ``make bench ONLY=cli``; the limit is twice.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15
LIMIT = 2.0


def measure(command: list[str]) -> float:
    """Wall seconds of one run of a command."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    """Interleave both commands and print the ratio of their medians as one JSON line."""
    keepwell = [str(Path(sys.executable).with_name("keepwell")), "--help"]
    typer = [sys.executable, "-c", "import typer"]
    measure(keepwell)
    measure(typer)
    pairs = [(measure(keepwell), measure(typer)) for _ in range(ROUNDS)]
    help_s = statistics.median(pair[0] for pair in pairs)
    typer_s = statistics.median(pair[1] for pair in pairs)
    print(
        json.dumps(
            {
                "benchmark": "cli",
                "ratio": round(help_s / typer_s, 3),
                "limit": LIMIT,
                "against": "python -c 'import typer'",
                "help_s": round(help_s, 4),
                "typer_s": round(typer_s, 4),
                "rounds": ROUNDS,
            }
        )
    )


if __name__ == "__main__":
    main()
