"""The promoted models, each in a worker that is replaced when another version is promoted."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.champion import bundle_folder, champion
from serving.compute_process import BundleRefusedError, ComputeProcess
from serving.fault import log_failure

logger = logging.getLogger(__name__)

MODELS = ("churn", "renewal")
LOOK_S = 1.0
LOAD_S = 60.0
RETRY_S = 30.0  # before a bundle that was refused is tried again


class LiveModel:
    """One model of the served company, as the newest bundle that could be loaded.

    Parameters
    ----------
    name : str
        ``churn`` or ``renewal``.
    home : Path or None
        Keepwell's home, where the bundles lie; None: there are none.
    load_s : float
        Seconds that loading a bundle may take.
    """

    def __init__(self, name: str, home: Path | None, *, load_s: float = LOAD_S) -> None:
        self.name = name
        self.process: ComputeProcess | None = None
        self.promoted: str | None = None  # version
        self.refused = 0
        self.ended = 0  # workers that ended by themselves
        self.load_s = load_s
        self._home = home
        self._company: str | None = None
        self._proved: Path | None = None  # the bundle that served last
        self._refusals: dict[Path, tuple[float, str]] = {}  # when, and why
        self._looked = False
        self._leaving: set[asyncio.Task[None]] = set()

    def serves(self, company: str) -> bool:
        """Whether it was looked for what is promoted for a company, and that company is served."""
        return self._looked and self._company == company

    @property
    def is_behind(self) -> bool:
        """Whether a version is promoted that is not the one in use."""
        version = self.process.version if self.process else None
        return self.promoted is not None and self.promoted != version

    async def follow(self, company: str | None) -> None:
        """Look once what is promoted, and serve that.

        Parameters
        ----------
        company : str or None
            Whose model; None while no snapshot is served.
        """
        self._notice_end()
        if company != self._company:  # one company's model never answers for another one
            self._company, self._proved, self.promoted = company, None, None
            self._looked = False
            self._refusals.clear()
            self._dismiss()
        if company is None:
            return
        folder = None
        if self._home is not None:
            folder = await asyncio.to_thread(_find_champion, self._home, company, self.name)
        if folder is not None:
            self.promoted = folder.name
            if self.process is None or self.process.version != folder.name:
                await self._load(folder, company)
        if self.process is None and self._proved is not None:
            # What serves stays, or starts again, when the pointer is taken away or leads to ruins.
            await self._load(self._proved, company)
        self._looked = True

    async def stop(self) -> None:
        """End the worker, those that still leave included."""
        self._dismiss()
        if self._leaving:
            await asyncio.gather(*self._leaving)

    async def _load(self, folder: Path, company: str) -> None:
        tried_at, told = self._refusals.get(folder, (-math.inf, ""))
        if time.monotonic() - tried_at < RETRY_S:
            return
        try:
            process = await ComputeProcess.start(
                folder, company=company, model=self.name, within_s=self.load_s
            )
        except BundleRefusedError as fault:
            self.refused += 1
            self._refusals[folder] = time.monotonic(), fault.reason
            if fault.reason != told:
                logger.error(
                    "the promoted %s model, version %s, is not served: %s",
                    self.name, folder.name, fault.reason,
                )  # fmt: skip
            return
        self._refusals.pop(folder, None)
        self._dismiss()
        self.process, self._proved = process, folder
        logger.info("scoring rows by the %s model, version %s", self.name, folder.name)

    def _notice_end(self) -> None:
        if self.process is not None and self.process.ended.is_set():
            self.ended += 1
            logger.error("the worker of the %s model ended and is replaced", self.name)
            self._dismiss()

    def _dismiss(self) -> None:
        if self.process is not None:
            task = asyncio.create_task(self.process.finish())
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
            self.process = None


class LiveModels(Collector):
    """All promoted models of the company whose snapshot is served; also tells Prometheus of them.

    Parameters
    ----------
    home : Path or None
        As for `LiveModel`.
    company : callable
        Whose snapshot is served right now; None without one.
    """

    def __init__(self, home: Path | None, company: Callable[[], str | None]) -> None:
        self.by_name = {name: LiveModel(name, home) for name in MODELS}
        self._company = company

    async def watch(self) -> None:
        """Follow what is promoted, until cancelled."""
        try:
            await asyncio.gather(*(self._watch(model) for model in self.by_name.values()))
        finally:
            await asyncio.gather(*(model.stop() for model in self.by_name.values()))

    async def _watch(self, model: LiveModel) -> None:
        told = ""
        while True:
            try:
                await model.follow(self._company())
            except Exception as failure:  # noqa: BLE001  no pointer read, no process started
                if type(failure).__name__ != told:
                    log_failure(failure)
                told = type(failure).__name__
            else:
                told = ""
            await self._pause(model)

    @staticmethod
    async def _pause(model: LiveModel) -> None:
        """A moment, shorter when the worker ends."""
        if model.process is None:
            await asyncio.sleep(LOOK_S)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(model.process.ended.wait(), LOOK_S)

    def collect(self) -> Iterator[Metric]:
        """Each figure, read now."""
        models = self.by_name.values()
        used = GaugeMetricFamily(
            "keepwell_bundle_info", "1 for each model that scores rows", labels=("model", "version")
        )
        for model in models:
            if model.process is not None:
                used.add_metric((model.name, model.process.version), 1)
        yield used
        for name, told, values in (
            (
                "bundle_behind",
                "1 when the promoted version is not the one that scores rows",
                {model.name: float(model.is_behind) for model in models},
            ),
            (
                "compute_waiting",
                "Requests for rows begun and not answered",
                {m.name: float(m.process.waiting if m.process else 0) for m in models},
            ),
        ):
            gauge = GaugeMetricFamily(f"keepwell_{name}", told, labels=("model",))
            for model_name, value in values.items():
                gauge.add_metric((model_name,), value)
            yield gauge
        for name, told, counts in (
            (
                "bundle_refused",
                "Bundles that were promoted and not whole, once for each try",
                {model.name: model.refused for model in models},
            ),
            (
                "compute_ended",
                "Workers that ended by themselves",
                {model.name: model.ended for model in models},
            ),
        ):
            counter = CounterMetricFamily(f"keepwell_{name}", told, labels=("model",))
            for model_name, count in counts.items():
                counter.add_metric((model_name,), count)
            yield counter


def _find_champion(home: Path, company: str, model: str) -> Path | None:
    """Folder of the promoted bundle; None where there is no pointer, or one that leads astray."""
    try:
        folder = champion(home, company, model)
    except ValueError:  # not UTF-8
        return None
    if folder is None or folder.parent != bundle_folder(home, company, model, "x").parent:
        return None
    return folder
