"""What the page of one account shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from models.account_score import AccountScore
from models.alert import Alert
from models.board import Board, without_names
from models.feedback import Feedback, LossReason
from models.health_change import find_disagreement, find_trend
from models.playbook_action import PlaybookAction
from models.playbook_cause import find_causes
from models.row_filter import RowFilter
from models.score_change import ScoreChange, explain_change, tell_voice
from models.snapshot import SnapshotHeader
from models.warning_mute import Mute, muted_on
from serving.account_figure import (
    HealthWay,
    Way,
    explain_groups,
    explain_health_step,
    explain_score,
    explain_step,
    write_evidence,
    write_figure,
    write_range,
)
from serving.account_form import SPANS, FormFault, make_once
from serving.account_history import draw_history
from serving.account_ledger import AccountLedger, Moment
from serving.account_wording import AccountWording
from serving.account_work import list_work, open_work
from serving.caller import Caller
from serving.crm_link import link_crm
from serving.page import link_account
from serving.page_language import SOURCE, Language
from serving.portfolio_ledger import Ledger
from serving.portfolio_row import find_parents, name_account
from serving.selection import Selection
from serving.shelf import Shelf
from serving.subject import LOST

DOCUMENTS = ("warnings", "playbooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sayings:
    """What people said about an account, each the newest first.

    Parameters
    ----------
    feedback : sequence of Feedback
    losses : sequence of LossReason
    mutes : sequence of Mute
    actions : sequence of PlaybookAction
    is_away : bool
        Whether the service store did not answer: then nothing is told and nothing is taken.
    """

    feedback: Sequence[Feedback] = ()
    losses: Sequence[LossReason] = ()
    mutes: Sequence[Mute] = ()
    actions: Sequence[PlaybookAction] = ()
    is_away: bool = False


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """A warning with what silences it.

    Parameters
    ----------
    alert : Alert
    mute : Mute or None
        That holds today.
    text : str or None
        The evidence in the reader's language; None where it is known in the source's alone.
    """

    alert: Alert
    mute: Mute | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """What moved the chance and the health since the snapshot before.

    Parameters
    ----------
    header : SnapshotHeader
        The snapshot before.
    before : float or None
        The chance then.
    score : ScoreChange
    way : Way or None
        None where the parts cannot be told.
    health : HealthWay or None
        None where one of both has none.
    """

    header: SnapshotHeader
    before: float | None
    score: ScoreChange
    way: Way | None
    health: HealthWay | None


class AccountDesk:
    """Makes the pages of accounts; blocks on the store.

    Parameters
    ----------
    account_ledger : AccountLedger
    ledger : Ledger
        For the documents of a snapshot.
    crm_url : str or None
        See `serving.crm_link`.
    """

    def __init__(self, account_ledger: AccountLedger, ledger: Ledger, crm_url: str | None) -> None:
        self.reads = account_ledger
        self._ledger = ledger
        self._crm_url = crm_url

    def find(self, shelf: Shelf, account_id: str) -> AccountScore | None:
        """The account as it is served, else as it was told last."""
        reads, header = self.reads, shelf.header
        return reads.score(header.snapshot_id, account_id) or reads.last_known(
            header.company, account_id
        )

    def playbooks(self, shelf: Shelf) -> dict[str, Any]:  # Any: JSON
        """The company's playbooks by name."""
        return self._named(shelf.snapshot_id, "playbooks")

    def view(
        self,
        shelf: Shelf,
        score: AccountScore,
        caller: Caller,
        language: Language,
        sayings: Sayings,
        *,
        is_gone: bool,
        is_stale: bool,
        today: date,
        said: str | None = None,
        fault: FormFault | None = None,
    ) -> dict[str, object]:
        """What the template shows.

        Parameters
        ----------
        shelf : Shelf
            The snapshot that is served.
        score : AccountScore
            The account in it; of one that is gone, as it was told last.
        caller : Caller
            Who reads it, and may see the account.
        language : Language
        sayings : Sayings
        is_gone, is_stale : bool
        today : date
        said : str or None
            The form that was taken just now.
        fault : FormFault or None
            The form that was not.
        """
        moments = self.reads.history(shelf.header.company, score.account_id)
        return {
            "is_gone": is_gone,
            "is_lost": is_gone or score.state == LOST,
            "is_stale": is_stale,
            "may_write": caller.may("feedback:write") and not sayings.is_away,
            "said": said,
            "fault": fault,
            "once": make_once(),
            "spans": SPANS,
            "today": today,
            "sayings": sayings,
            **self._introduce(shelf, score, caller, language),
            **self._recall(
                shelf, score, caller, language, moments, sayings, today, is_gone=is_gone
            ),
            **self._present(shelf, score, language, caller, moments, is_gone=is_gone),
            **self._act(shelf, score, language, sayings, today, is_gone=is_gone),
        }

    def _introduce(
        self, shelf: Shelf, score: AccountScore, caller: Caller, language: Language
    ) -> dict[str, object]:
        """Who the account is, by which scores, and the words of the page."""
        header = shelf.header
        return {
            "header": header,
            "last_day": header.data_end and header.data_end - timedelta(1),
            "score": score,
            "name": name_account(score),
            "own_path": link_account(score.account_id),
            "people": caller.may("people:read"),
            "crm_link": link_crm(self._crm_url, score.account_id, score.external_id),
            "titles": self._titles(header.snapshot_id, language),
            "say": AccountWording(language),
            "phrases": self._ledger.phrases(header, language),
            "figure": write_figure,
            "write_range": write_range,
            **self._family(shelf, score, caller.row_filter),
        }

    def _recall(
        self,
        shelf: Shelf,
        score: AccountScore,
        caller: Caller,
        language: Language,
        moments: Sequence[Moment],
        sayings: Sayings,
        today: date,
        *,
        is_gone: bool,
    ) -> dict[str, object]:
        """The board, the history, and what was done."""
        snapshot_id, people = shelf.snapshot_id, caller.may("people:read")
        board = None if is_gone else self.reads.board(snapshot_id, score.account_id)
        titles = self._titles(snapshot_id, language)
        work = list_work(sayings.actions, board, today, people=people)
        return {
            "moments": moments,
            "history": draw_history(moments, language, titles, board, sayings.actions),
            "board": None if board is None else _show_to(caller, board),
            "work": work,
            "open_work": open_work(work),
        }

    def _present(
        self,
        shelf: Shelf,
        score: AccountScore,
        language: Language,
        caller: Caller,
        moments: Sequence[Moment],
        *,
        is_gone: bool,
    ) -> dict[str, object]:
        """The chance, its reasons, what changed, the health; nothing of an account that is gone."""
        if is_gone:
            return {}
        header, formats = shelf.header, language.formats
        days = header.as_of and score.decision_date and (score.decision_date - header.as_of).days
        document = self._ledger.document(header.snapshot_id, "health") or {}
        return {
            "days": days,
            "use": header.models.get(score.basis) if score.basis else None,
            "churn_use": header.models.get("churn"),
            "like": self.reads.like(header, score, caller.row_filter),
            "way": explain_score(score, formats),
            "groups": explain_groups(score, formats),
            "change": self._change(header, score, language),
            "trend": find_trend((one.header.as_of, one.health_score) for one in moments),
            "disagreement": find_disagreement(score),
            "north_star": document.get("north_star"),
        }

    def _change(
        self, header: SnapshotHeader, score: AccountScore, language: Language
    ) -> Change | None:
        earlier = self.reads.before(header)
        if earlier is None:
            return None
        past = self.reads.past(earlier.snapshot_id, score.account_id)
        voice = tell_voice(score.basis, earlier, header) if score.basis else "other"
        change = explain_change(past, score, voice=voice)
        before = None if past is None else past.loss_probability
        way = None if before is None else explain_step(before, change, language.formats)
        health = None
        if score.health is not None:
            old = self.reads.health(earlier.snapshot_id, score.account_id)
            health = (
                None if old is None else explain_health_step(old, score.health, language.formats)
            )
        return Change(earlier, before, change, way, health)

    def _act(
        self,
        shelf: Shelf,
        score: AccountScore,
        language: Language,
        sayings: Sayings,
        today: date,
        *,
        is_gone: bool,
    ) -> dict[str, object]:
        """Warnings with their mutes, playbooks that fit with what asks for each."""
        alerts = () if is_gone else score.alerts
        muted = muted_on(today, sayings.mutes)
        rules = self._named(shelf.snapshot_id, "warnings")
        shown = [
            ShownAlert(
                one,
                muted.get((one.rule, one.subject)),
                write_evidence(one, rules.get(one.rule, {}).get("text", {}), language),
            )
            for one in alerts
        ]
        known = self.playbooks(shelf)
        return {
            "open_alerts": [one for one in shown if one.alert.is_open],
            "closed_alerts": [one for one in shown if not one.alert.is_open],
            "playbooks": known,
            "offered": []
            if is_gone
            else [
                (known[name], find_causes(score, name)) for name in score.playbooks if name in known
            ],
        }

    def _family(self, shelf: Shelf, score: AccountScore, allowed: RowFilter) -> dict[str, object]:
        """The parent, and how many others of it the reader sees."""
        if score.parent_id is None:
            return {"parent": None, "siblings": 0}
        parent = find_parents(shelf, allowed, [score.parent_id])[score.parent_id]
        same = Selection(of=RowFilter({"parent_id": [score.parent_id]}))
        others = sum(one.account_id != score.account_id for one in shelf.outlines(same, allowed))
        return {"parent": parent, "siblings": others}

    def _titles(self, snapshot_id: str, language: Language) -> dict[str, str]:
        """What rules of warnings and playbooks are called, by their names."""
        return {
            name: one["title"].get(language.code) or one["title"][SOURCE]
            for document in DOCUMENTS
            for name, one in self._named(snapshot_id, document).items()
        }

    def _named(self, snapshot_id: str, document: str) -> dict[str, Any]:  # Any: JSON
        found = self._ledger.document(snapshot_id, document)
        return {one["name"]: one for one in found or ()}


def _show_to(caller: Caller, board: Board) -> Board:
    """A board without names and without accounts that a reader may not see.

    How many others have the same parent is counted over all; the head of the page tells a reader
    of a part those that it sees.
    """
    shown = board if caller.may("people:read") else without_names(board)
    return shown if caller.row_filter.is_everything else {**shown, "siblings": None}
