"""A flat table is looked for in the working folder, then in the data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import InputError
from pipelines.flat_path import find_table


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The working folder and the data folder that ``KEEPWELL_DATA`` names."""
    here, data = tmp_path / "here", tmp_path / "data"
    for folder in (here, data):
        folder.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("KEEPWELL_DATA", str(data))
    return here, data


def test_a_path_that_is_not_here_is_looked_for_in_the_data_folder(
    folders: tuple[Path, Path],
) -> None:
    here, data = folders
    (data / "a.csv").write_text("x")
    assert find_table(Path("a.csv")) == data / "a.csv"
    (here / "a.csv").write_text("x")
    assert find_table(Path("a.csv")) == here / "a.csv"


def test_the_option_outweighs_the_environment(folders: tuple[Path, Path]) -> None:
    here, data = folders
    (data / "a.csv").write_text("x")
    (here / "other").mkdir()
    (here / "other" / "a.csv").write_text("x")
    assert find_table(Path("a.csv"), Path("other")) == here / "other" / "a.csv"


def test_a_file_that_is_nowhere_is_told_with_every_place(folders: tuple[Path, Path]) -> None:
    here, data = folders
    with pytest.raises(InputError) as refused:
        find_table(Path("sub/a.csv"))
    assert str(here / "sub" / "a.csv") in str(refused.value)
    assert str(data / "sub" / "a.csv") in str(refused.value)
    (data / "b.csv").write_text("x")
    with pytest.raises(InputError) as refused:
        find_table(here / "b.csv")
    assert str(data) not in str(refused.value)


def test_without_a_data_folder_the_remedy_names_how_to_give_one(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    del folders
    monkeypatch.delenv("KEEPWELL_DATA")
    with pytest.raises(InputError, match="KEEPWELL_DATA"):
        find_table(Path("a.csv"))
