#!/bin/sh
# Install what developing needs into $VENV: with uv where it can be installed, else with pip.
# Python is $PYTHON or, without it, the first one here that is new enough.
set -eu

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.13 python3.12 python3.11
fi
chosen=
for candidate; do
    if is_new_enough "$candidate"; then
        chosen=$candidate
        break
    fi
done
[ -n "$chosen" ] ||
    { echo "Keepwell needs Python 3.11 or newer; set PYTHON=python3.x" >&2; exit 1; }
[ -x "$VENV/bin/python" ] || "$chosen" -m venv "$VENV"
python="$VENV/bin/python"

install_with_uv() {
    "$python" -m pip install --quiet --disable-pip-version-check uv &&
        "$python" -m uv pip install --quiet --compile-bytecode --python "$python" \
            --require-hashes -r requirements/dev.txt &&
        "$python" -m uv pip install --quiet --python "$python" --no-deps --editable .
}

install_with_pip() {
    "$python" -m pip install --quiet --require-hashes -r requirements/dev.txt &&
        "$python" -m pip install --quiet --no-deps --editable .
}

install_with_uv || { echo "uv does not work here; installing with pip" >&2; install_with_pip; }

if ! said=$("$python" -c 'import lightgbm' 2>&1); then
    case $said in
        *libgomp*) echo "LightGBM needs libgomp: install the system package libgomp1" >&2 ;;
        *) echo "$said" >&2 ;;
    esac
    exit 1
fi
