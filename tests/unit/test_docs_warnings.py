"""The reference of warnings and playbooks says what is shipped, and its examples are taken."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from models.settings import WarningSettings
from models.warning_rule import read_rules, threshold_faults
from pipelines.config import read_config
from pipelines.warning_page import warnings_page

PAGE = Path(__file__).parents[2] / "docs" / "warnings.md"


def test_the_page_is_what_the_shipped_rules_and_playbooks_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == warnings_page(), (
        "write it anew: python -m pipelines.warning_page docs/warnings.md"
    )


def test_the_page_has_every_rule_with_its_default_runs() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{rule.name}` |" in text for rule in read_rules())
    assert f"hold in {WarningSettings().runs_to_close} runs in a row" in text


def test_the_examples_of_the_page_are_valid(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    raw = {"config_version": 1, "company": "acme", "tables": {"accounts": "a", "contracts": "c"}}
    for block in blocks:
        raw |= yaml.safe_load(block)
    path = tmp_path / "acme.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    config = read_config(path)
    assert [playbook.name for playbook in config.playbooks] == ["invite-to-user-group"]
    assert threshold_faults(config.warnings) == []
    assert config.warnings.thresholds
