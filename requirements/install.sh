#!/bin/sh
# Install what developing needs into $VENV: with uv where it can be installed, else with pip.
set -eu
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "Keepwell needs Python 3.11 or newer; set PYTHON=python3.x" >&2; exit 1; }
[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
python="$VENV/bin/python"
if "$python" -m pip install --quiet --disable-pip-version-check uv; then
    "$python" -m uv pip install --quiet --compile-bytecode --python "$python" --require-hashes -r requirements/dev.txt
    "$python" -m uv pip install --quiet --python "$python" --no-deps --editable .
else
    "$python" -m pip install --quiet --require-hashes -r requirements/dev.txt
    "$python" -m pip install --quiet --no-deps --editable .
fi
