"""A store that is followed and may be away: said once when it goes, once when it is back."""

from __future__ import annotations

import logging
from collections.abc import Callable

from features.errors import KeepwellError

logger = logging.getLogger(__name__)


class Outage:
    """Whether the service store answered last time.

    Attributes
    ----------
    is_on : bool
        Whether it did not.
    """

    def __init__(self) -> None:
        self.is_on = False

    def attempt(self, act: Callable[[], None]) -> None:
        """Do something with the store; a fault is logged, once until it answers again."""
        try:
            act()
        except Exception as fault:  # noqa: BLE001  whatever it is, revoked keys must still stop
            if not self.is_on:
                # What is not ours may hold data: its type says enough.
                told = fault if isinstance(fault, KeepwellError) else type(fault).__name__
                logger.error("the service store does not answer: %s", told)
            self.is_on = True
        else:
            if self.is_on:
                logger.info("the service store answers again")
            self.is_on = False
