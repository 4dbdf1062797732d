"""Every notebook runs from top to bottom, and is committed without what it printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
KERNEL = "this-python"

notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read_notebook(path: Path) -> Any:  # Any: nbformat has no types
    """The notebook, as it is committed."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a kernel on this very Python, none of whose files lie outside the test's folder."""
    spec = tmp_path / "kernels" / KERNEL / "kernel.json"
    spec.parent.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    content = {"argv": command, "display_name": KERNEL, "language": "python"}
    spec.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    for name in ("KEEPWELL_HOME", "MPLCONFIGDIR", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("KEEPWELL_CONFIG", raising=False)  # the demo company, whatever is at hand
    # Threads of BLAS that wait for each other made a notebook take three times as long on a busy
    # machine of two cores.
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    (tmp_path / "tmpdir").mkdir()
    return KERNEL


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


@notebook
def test_a_notebook_runs_from_top_to_bottom(path: Path, kernel: str, tmp_path: Path) -> None:
    from nbclient import NotebookClient

    before = sorted(FOLDER.iterdir())
    document = read_notebook(path)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(document, kernel_name=kernel, resources=resources, timeout=300).execute()
    cells = [cell for cell in document.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not any(output.get("name") == "stderr" for cell in cells for output in cell.outputs)
    assert sorted(FOLDER.iterdir()) == before
    assert not list((tmp_path / "tmpdir").glob("tmp*")), "the notebook left its folder behind"


@notebook
def test_a_notebook_is_committed_without_what_it_printed(path: Path) -> None:
    document = read_notebook(path)
    nbformat.validate(document)
    for cell in document.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [], f"clear the outputs of {path.name}"
            assert cell.execution_count is None, f"clear the outputs of {path.name}"
