"""The deliverer of a home, and what a score run does with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from features.errors import KeepwellError
from models.service_store import ServiceStore
from models.settings import WebhookSettings
from models.store import SnapshotStore
from models.webhook_address import AllowList
from models.webhook_store import WebhookStore
from pipelines.home import Home
from pipelines.webhook_delivery import Deliverer
from pipelines.webhook_post import Postman

logger = logging.getLogger(__name__)

AFTER_A_RUN = timedelta(seconds=60)  # what is left then is sent by: keepwell webhooks deliver
LOCK_WAIT_S = 10.0


@contextmanager
def open_deliverer(home: Home, settings: WebhookSettings) -> Iterator[Deliverer]:
    """A deliverer over the stores of a home.

    Parameters
    ----------
    home : Home
    settings : WebhookSettings
        Which private targets there may be.
    """
    postman = Postman(AllowList(settings.allow_private))
    with (
        ServiceStore(home.service_store_url, lock_wait_s=LOCK_WAIT_S) as service,
        SnapshotStore(home.store_url) as snapshots,
    ):
        yield Deliverer(WebhookStore(service), snapshots, postman.post)


def tell_targets(home: Home, settings: WebhookSettings) -> None:
    """Tell the targets what a publish changed; whatever fails is logged and left for later."""
    try:
        with open_deliverer(home, settings) as deliverer:
            told = deliverer.run(budget=AFTER_A_RUN)
    except Exception as fault:  # noqa: BLE001  the ranking is published, and that is what counts
        # What is not ours may hold data: its type says enough.
        why = fault if isinstance(fault, KeepwellError) else type(fault).__name__
        logger.warning("webhooks were not sent: %s", why)
    else:
        if told.waiting:
            logger.warning("%d webhook messages wait: keepwell webhooks deliver", told.waiting)
