"""What a search for parameters chose, and how surely it is better than the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.bootstrap import Estimate

Tuned = Mapping[str, int | float]


@dataclass(frozen=True)
class Choice:
    """The outcome of a search.

    Parameters
    ----------
    trials : int
        Parameters tried, the default among them; 0: none were.
    tests : int
        Inner folds that every trial was tested on.
    best : mapping of str to number
        LightGBM's parameters of the best trial; empty when that is the default.
    default_auc : float
        Of the default, pooled over the inner folds.
    gain : Estimate or None
        The best trial's AUC less the default's, paired; None when the default is the best.
    reason : str
        Why there was no search, else empty.
    """

    trials: int
    tests: int = 0
    best: Tuned = field(default_factory=dict)
    default_auc: float = float("nan")
    gain: Estimate | None = None
    reason: str = ""

    @property
    def asked(self) -> bool:
        """Whether a search was asked for."""
        return self.trials > 0 or bool(self.reason)

    @property
    def chosen(self) -> Tuned:
        """The parameters to train with; empty: the default, which is kept unless beaten."""
        return self.best if self.gain is not None and self.gain.low > 0 else {}

    def to_text(self) -> str:
        """The outcome in one sentence."""
        if self.reason:
            return f"the default parameters are kept: {self.reason}"
        tried = f"{self.trials} trials on {self.tests} inner folds"
        if self.gain is None:
            return f"the default parameters are kept: none of {tried} was better"
        said = (
            f"AUC {self.gain.value:+.4f} ({self.gain.low:+.4f} to {self.gain.high:+.4f}) "
            f"on {self.default_auc:.4f}, the best of {tried}"
        )
        if not self.chosen:
            return f"the default parameters are kept: {said}, is not beyond noise"
        listed = ", ".join(f"{name} {value:.4g}" for name, value in self.best.items())
        return f"tuned parameters are used ({listed}): {said}"
