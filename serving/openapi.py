"""The API description as a file: ``python -m serving.openapi docs/openapi.json``.

It is committed, so that a change of the API shows in every review, and clients can be generated
without a running service. A description that callers of the one before could not live with is
written only with ``--breaking``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serving.application import create_app
from serving.compatibility import find_breaks
from serving.settings import Settings

BROKEN = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file and return the exit code: 2 when it was not, since it would break callers."""
    parser = argparse.ArgumentParser(prog="python -m serving.openapi", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--breaking", action="store_true", help="write it whatever it breaks")
    chosen = parser.parse_args(arguments)
    new = describe_api()
    if chosen.file.exists() and not chosen.breaking:
        breaks = find_breaks(json.loads(chosen.file.read_text(encoding="utf-8")), new)
        for one in breaks:
            print(f"breaks callers: {one}", file=sys.stderr)
        if breaks:
            print("not written; --breaking does it all the same", file=sys.stderr)
            return BROKEN
    chosen.file.write_text(render_description(new), encoding="utf-8")
    return 0


def describe_api() -> dict[str, Any]:  # Any: JSON
    """The OpenAPI document of the service, which is the same whatever it serves."""
    app = create_app(Settings(store_url="sqlite:///none.db"))
    try:
        return app.openapi()
    finally:
        app.close()


def render_description(document: dict[str, Any]) -> str:  # Any: JSON
    """The document as it lies in the repository: a line a field, so that a change reads well."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
