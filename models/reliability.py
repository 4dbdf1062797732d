"""Whether what was given a probability came to pass that often, tenth by tenth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.bootstrap import Bootstrap, Estimate, estimate
from models.ranking import divide
from models.table import FloatArray

BINS = 10
WILSON_Z = 1.96


def tenths(probability: FloatArray) -> list[npt.NDArray[np.intp]]:
    """Places of the rows of each tenth by rising probability; fewer where there are few rows."""
    order = np.argsort(probability, kind="stable")
    return [part for part in np.array_split(order, BINS) if len(part)]


def observed_share(label: FloatArray, draws: Bootstrap) -> Estimate:
    """Share of positives with its 95 % interval by bootstrap over the groups.

    Where every label is the same a bootstrap has no spread and would claim certainty; the
    interval is then Wilson's for as many independent rows as there are groups.

    Parameters
    ----------
    label : float, (n,)
        0 or 1.
    draws : Bootstrap
        Of the same rows.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    """
    share = float(label.mean())
    if 0.0 < share < 1.0:
        return estimate(share, draws.replicates(lambda w: divide(w @ label, w.sum(axis=-1))))
    groups = len(np.unique(draws.group))
    reach = WILSON_Z**2 / (groups + WILSON_Z**2)
    return Estimate(share, 0.0, reach) if share == 0.0 else Estimate(share, 1.0 - reach, 1.0)


def reliability(
    label: FloatArray, probability: FloatArray, draws: Bootstrap
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Mean probability, share of positives, and the ends of its 95 % interval, by tenth.

    Parameters
    ----------
    label, probability : float, (n,)
    draws : Bootstrap
        Of the same rows, by parent: the rows of one account are no independent witnesses.

    Returns
    -------
    four of float, (at most 10,)
    """
    parts = [_chosen(places, len(label)) for places in tenths(probability)]
    mean = np.array([float(probability[part].mean()) for part in parts])
    shares = [observed_share(label[part], draws.part(part)) for part in parts]
    value, low, high = np.array([[s.value, s.low, s.high] for s in shares]).reshape(-1, 3).T
    return mean, value, np.minimum(low, value), np.maximum(high, value)


def _chosen(places: npt.NDArray[np.intp], rows: int) -> npt.NDArray[np.bool_]:
    chosen = np.zeros(rows, dtype=np.bool_)
    chosen[places] = True
    return chosen
