"""Ways in which a bundle comes to harm, by disk, by hand or by malice."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from models.bundle import GOLDEN_FILE, JUDGED_FILE, MODEL_FILE, REFITS_FILE
from models.card import CARD_FILE
from tests.integration.live_service import rewrite

Damage = Callable[[Path], object]
FILES = (MODEL_FILE, GOLDEN_FILE, JUDGED_FILE, REFITS_FILE, CARD_FILE)
OTHERS = FILES[:-1]


def truncate(name: str, folder: Path) -> None:
    """Lose the second half of a file."""
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])


def flip(name: str, folder: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)


def remove(name: str, folder: Path) -> None:
    """Lose a file."""
    (folder / name).unlink()


def add(folder: Path) -> None:
    """Put a file beside those of the card."""
    (folder / "model.pkl").write_bytes(pickle.dumps("harmless"))


def mistake(name: str, folder: Path) -> None:
    """Name another sha256 in the card."""
    edit(folder, lambda card: card["files"].update({name: "0" * 64}))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the card by hand."""
    card = json.loads((folder / CARD_FILE).read_bytes())
    change(card)
    (folder / CARD_FILE).write_text(json.dumps(card))


def forge(name: str, change: Callable[[str], str], folder: Path) -> None:
    """Change a file, and its sha256 in the card."""
    rewrite(folder, name, change((folder / name).read_text()).encode())


def swap_lines(start: str, replaced: str, text: str) -> str:
    """The text with every line that starts so replaced."""
    lines = text.splitlines(keepends=True)
    return "".join(replaced + "\n" if line.startswith(start) else line for line in lines)


def of_golden(change: Callable[[dict[str, Any]], object], text: str) -> str:
    """The golden rows, changed."""
    golden = json.loads(text)
    change(golden)
    return json.dumps(golden)


def fold(text: str) -> str:
    """Another model of the same features: the first tree is told apart, the rest is gone."""
    head, tree, _ = text.partition("Tree=1\n")
    return head + text[text.index("end of trees") :] if tree else text


DAMAGES: dict[str, Damage] = {
    **{f"{name} truncated": partial(truncate, name) for name in FILES},
    **{f"{name} with a bit flipped": partial(flip, name) for name in OTHERS},
    **{f"{name} missing": partial(remove, name) for name in FILES},
    **{f"{name} with another sha256": partial(mistake, name) for name in OTHERS},
    "a file too many": add,
    "no sha256 of the model": lambda folder: edit(folder, lambda c: c["files"].pop(MODEL_FILE)),
    "a file outside": lambda folder: edit(folder, lambda c: c["files"].update({"../x": "0" * 64})),
    "the card of another company": lambda folder: edit(folder, lambda c: c.update(company="x")),
    "the card of another model": lambda folder: edit(folder, lambda c: c.update(model="renewal")),
    "the card of another version": lambda folder: edit(folder, lambda c: c.update(version="99")),
    "another calibration": lambda folder: edit(
        folder, lambda c: c.update(calibration={"slope": 2.0, "intercept": 0.0})
    ),
    "features in another order": lambda folder: edit(
        folder, lambda c: c.update(features=c["features"][::-1])
    ),
    "a feature less": lambda folder: edit(folder, lambda c: c["features"].pop()),
    "a card of nulls": lambda folder: (folder / CARD_FILE).write_text("null"),
    "a card that is deep": lambda folder: (folder / CARD_FILE).write_text("[" * 100_000),
    "other golden probabilities": partial(
        forge, GOLDEN_FILE, partial(of_golden, lambda golden: golden["probability"].reverse())
    ),
    "no golden rows": partial(
        forge,
        GOLDEN_FILE,
        partial(of_golden, lambda golden: golden.update(rows=[], probability=[])),
    ),
    "golden rows of another width": partial(
        forge, GOLDEN_FILE, partial(of_golden, lambda golden: [r.pop() for r in golden["rows"]])
    ),
    "golden rows of text": partial(forge, GOLDEN_FILE, lambda _: '{"rows": "x"}'),
    "a golden probability that is null": partial(
        forge,
        GOLDEN_FILE,
        partial(of_golden, lambda golden: golden.update(probability=[None] * len(golden["rows"]))),
    ),
    "the model of another training": partial(forge, MODEL_FILE, fold),
    "a model that is no model": partial(forge, MODEL_FILE, lambda _: "tree\n" * 1000),
    "a model that is empty": partial(forge, MODEL_FILE, lambda _: ""),
    "half a model": partial(forge, MODEL_FILE, lambda text: text[: len(text) // 2]),
    "a model of zeros": partial(forge, MODEL_FILE, lambda _: "\0" * 10_000),
    "a tree of two thousand million leaves": partial(
        forge, MODEL_FILE, partial(swap_lines, "num_leaves=", "num_leaves=2147483647")
    ),
    "a tree of minus one leaf": partial(
        forge, MODEL_FILE, partial(swap_lines, "num_leaves=", "num_leaves=-1")
    ),
    "splits by features that there are not": partial(
        forge, MODEL_FILE, partial(swap_lines, "split_feature=", "split_feature=99999 99999 99999")
    ),
    "children that lead out of the tree": partial(
        forge, MODEL_FILE, partial(swap_lines, "left_child=", "left_child=1000000 -900000 7")
    ),
    "a tree that goes round": partial(
        forge, MODEL_FILE, partial(swap_lines, "left_child=", "left_child=0 0 0")
    ),
    "leaves of huge numbers": partial(
        forge, MODEL_FILE, partial(swap_lines, "leaf_value=", "leaf_value=1e308 1e308 -1e308 1e308")
    ),
    "leaves of no number": partial(
        forge, MODEL_FILE, partial(swap_lines, "leaf_value=", "leaf_value=nan inf -inf nan")
    ),
    "a model of a thousand classes": partial(
        forge, MODEL_FILE, partial(swap_lines, "num_class=", "num_class=1000")
    ),
}
