"""When keys and sessions were last used: noted in memory, kept in the store now and then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import inf

NOTE_USE_S = 60.0


class LastUse:
    """Last uses that are still to be kept. Requests note them while another thread keeps them.

    Parameters
    ----------
    store : callable
        Takes the moments by id; its `InputError` and `TransientError` may come from `keep`.
    clock : callable
        Seconds since 1970.
    every_s : float
        Seconds between two times of keeping them.
    """

    def __init__(
        self,
        store: Callable[[Mapping[str, datetime]], None],
        clock: Callable[[], float],
        *,
        every_s: float = NOTE_USE_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._every_s = every_s
        self._used: dict[str, float] = {}
        self._kept_at = -inf

    @property
    def is_any(self) -> bool:
        """Whether there are some."""
        return bool(self._used)

    @property
    def is_due(self) -> bool:
        """Whether it is time to keep them."""
        return self._clock() - self._kept_at >= self._every_s

    def note(self, name: str, at: float) -> None:
        """Note a use at a moment, in seconds since 1970."""
        self._used[name] = at

    def keep(self) -> None:
        """Keep them, now.

        Raises
        ------
        InputError, TransientError
            The store cannot be written; the moments are kept for the next time.
        """
        taken, self._used = self._used, {}
        used = taken.copy()  # a request may still be writing into the one that was taken
        self._kept_at = self._clock()  # also when it fails: once a minute is often enough to try
        try:
            self._store({name: datetime.fromtimestamp(at, UTC) for name, at in used.items()})
        except Exception:
            self._used = {**used, **self._used}
            raise
