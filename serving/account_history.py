"""The chance of an account over time, with what happened meanwhile."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from models.playbook_action import PlaybookAction
from serving.account_ledger import Moment
from serving.account_wording import AccountWording
from serving.chart import Chart
from serving.chart_line import LineMark, LinePoint, LineWords, MarkKind, draw_line
from serving.page_language import Language
from serving.page_wording import Wording, unfold

SHORT_DAYS = 200  # a longer history names months below its axis, a shorter one days
MOST_NAMED = 3  # things of a kind at one moment; the others are counted


def draw_history(
    moments: Sequence[Moment],
    language: Language,
    titles: Mapping[str, str],
    board: Mapping[str, Any] | None,
    actions: Sequence[PlaybookAction],
) -> Chart | None:  # Any: JSON
    """The chart; None where fewer than two snapshots give a chance.

    Parameters
    ----------
    moments : sequence of Moment
        The oldest first.
    language : Language
    titles : mapping of str to str
        What rules of warnings and playbooks are called.
    board : mapping or None
        See `models.board`; its contacts are marked.
    actions : sequence of PlaybookAction
    """
    known = [one for one in moments if one.loss_probability is not None]
    if len(known) < 2:
        return None
    text, formats = language.text, language.formats
    is_short = (moments[-1].day - moments[0].day).days < SHORT_DAYS
    points = [
        LinePoint(
            formats.day(one.day),
            one.loss_probability,
            one.loss_probability_low,
            one.loss_probability_high,
            formats.short_day(one.day) if is_short else formats.month(one.day),
        )
        for one in moments
    ]
    first, last = known[0], known[-1]
    words = LineWords(
        title=text("Chance of loss over time"),
        summary=text("From %(first)s on %(since)s to %(last)s on %(until)s.")
        % {
            "first": formats.share(first.loss_probability),
            "since": formats.day(first.day),
            "last": formats.share(last.loss_probability),
            "until": formats.day(last.day),
        },
        columns=(
            text("Scores of"),
            text("Chance of loss"),
            text("from"),
            text("to"),
            text("Meanwhile"),
        ),
        write=formats.share,
    )
    marks = [
        *_mark_contacts(moments, language, board),
        *_mark_warnings(moments, titles),
        *_mark_playbooks(moments, titles, actions, board),
        *_mark_models(moments, language),
    ]
    thresholds = moments[-1].header.thresholds or {}
    wording = Wording(language)
    levels = [(thresholds[tier], wording.tier(tier)) for tier in ("medium", "high")
              if tier in thresholds]  # fmt: skip
    return draw_line("history-chart", points, words, marks, levels)


def _mark_contacts(
    moments: Sequence[Moment], language: Language, board: Mapping[str, Any] | None
) -> list[LineMark]:
    say = AccountWording(language).say
    happened = [
        (date.fromisoformat(one["on"]), say("contact", one["kind"]))
        for one in (board or {}).get("touchpoints") or ()
    ]
    return _place("contact", moments, happened)


def _mark_playbooks(
    moments: Sequence[Moment],
    titles: Mapping[str, str],
    actions: Sequence[PlaybookAction],
    board: Mapping[str, Any] | None,
) -> list[LineMark]:
    happened = [(one.created_at.date(), one.playbook) for one in actions if one.status == "started"]
    happened += [
        (date.fromisoformat(one["on"]), one["playbook"] or "")
        for one in (board or {}).get("interventions") or ()
    ]
    last = moments[-1].day - timedelta(1)  # what came later stands at the newest scores
    named = [(min(day, last), titles.get(name) or unfold(name)) for day, name in happened]
    return _place("playbook", moments, named)


def _mark_warnings(moments: Sequence[Moment], titles: Mapping[str, str]) -> list[LineMark]:
    marks = []
    for index, moment in enumerate(moments):
        opened = [titles.get(one.rule) or unfold(one.rule) for one in moment.alerts
                  if one.status == "opened"]  # fmt: skip
        if opened:
            marks.append(LineMark(index, "warning", _join(opened)))
    return marks


def _mark_models(moments: Sequence[Moment], language: Language) -> list[LineMark]:
    """Where another model speaks than before: another version, or one of another question."""
    marks, wording = [], Wording(language)
    spoken: tuple[object, object] | None = None
    for index, moment in enumerate(moments):
        if moment.basis is None:
            continue
        use = moment.header.models.get(moment.basis)
        speaks = (moment.basis, None if use is None else use.get("created_at", use.get("version")))
        if spoken is not None and speaks != spoken:
            asked = language.text("another version of the model")
            if speaks[0] != spoken[0]:
                asked = language.text("speaks of: %(basis)s") % {
                    "basis": wording.basis(moment.basis)
                }
            marks.append(LineMark(index, "model", asked))
        spoken = speaks
    return marks


def _place(
    kind: MarkKind, moments: Sequence[Moment], happened: Sequence[tuple[date, str]]
) -> list[LineMark]:
    """Marks at the first moment that knew of each; what is before all of them is left out."""
    days = [one.day for one in moments]
    found: dict[int, list[str]] = {}
    for day, name in sorted(happened):
        place = bisect_right(days, day)  # an as-of date knows what was before it
        if 0 < place < len(days):
            found.setdefault(place, []).append(name)
    return [LineMark(index, kind, _join(names)) for index, names in found.items()]


def _join(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = len(unique) - MOST_NAMED
    return ", ".join(unique[:MOST_NAMED]) + (f" +{more}" if more > 0 else "")
