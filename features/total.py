"""Sums and means of fractions, the same to the last bit in whatever order the rows come.

Adding doubles rounds at every step, so a sum by several threads differs between runs in its last
digits, and with it trees and scores. Whole numbers do not round: here a fraction is counted in
units of 2**-44, added as a whole number of 38 digits, and turned back.
"""

from __future__ import annotations

# A number is read below ``LARGEST``: of such, a million add up without passing 38 digits, and what
# lies below a unit (6e-14) is less than a sum of doubles would lose.
LARGEST = 10**18
_UNIT = 2**44


def exact_sum(value: str, over: str = "") -> str:
    """The SQL of a sum of doubles that does not depend on the order of the rows.

    Parameters
    ----------
    value : str
        SQL of the number; null is passed over, and without any the sum is null.
    over : str
        ``FILTER (WHERE ...)`` or ``OVER (...)``.
    """
    units = f"CAST(round(({value}) * {_UNIT}) AS DECIMAL(38, 0))"
    return f"(CAST(sum({units}) {over} AS DOUBLE) / {_UNIT})"


def exact_mean(value: str, over: str = "") -> str:
    """The SQL of a mean that does not depend on the order of the rows; null without any."""
    return f"({exact_sum(value, over)} / NULLIF(count({value}) {over}, 0))"
