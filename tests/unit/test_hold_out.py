"""A score run says which accounts nobody is to work on."""

from __future__ import annotations

from pathlib import Path

from models.settings import InterventionSettings
from pipelines.config import read_config
from pipelines.scoring import Published, accounts_held_out
from tests.integration.company import due, snapshot

DEMO = Path(__file__).parents[2] / "configs" / "demo.yaml"


def test_a_score_run_lists_the_accounts_held_out_whole_parents_together() -> None:
    config = read_config(DEMO)
    scored = snapshot(
        *(due(f"A{n}", 0.5, parent_id=f"P{n // 2}", external_id=f"x{n}") for n in range(200))
    )
    assert accounts_held_out(scored, config) == ()
    kept = config.model_copy(update={"interventions": InterventionSettings(hold_out_share=0.2)})
    held = accounts_held_out(scored, kept)
    assert 20 <= len(held) <= 60
    parents = {int(name[1:]) // 2 for name in held}
    assert {f"A{2 * p + side}" for p in parents for side in (0, 1)} == set(held)
    assert Published(scored, "S1", held).to_json()["hold_out"] == list(held)
