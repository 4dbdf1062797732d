"""What the tables beside usage say of accounts, as their boards show it.

Each section is one query over all accounts of ``board_account``, as known before the as-of date. A
section is None where the company has no such table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from features.contract import FIGURES as CONTRACT_FIGURES
from features.contract import whole_sum
from features.family import count_where
from features.invoice import FIGURES as INVOICE_FIGURES
from features.knowledge import known_rows
from features.people import KEY_ROLES
from features.source import Source
from features.term import FOREVER
from features.ticket import FIGURES as TICKET_FIGURES
from features.total import exact_mean

MOST_PEOPLE, MOST_CONTRACTS, MOST_RECORDS = 200, 12, 200
YEAR = 365
Section = dict[str, Any]  # Any: JSON by account id, as `models.board` describes it
Texts = dict[str, str]


@dataclass(frozen=True, eq=False)
class Records:
    """Sections of boards, each JSON by account id; None where there is no table for it.

    ``names`` holds names of people by user id, apart from everything else. Both it and ``people``
    are texts, since they are most of a board.
    """

    people: Texts | None
    names: Texts | None
    milestones: Section | None
    contracts: Section | None
    seats: Section | None
    invoices: Section | None
    surveys: Section | None
    touchpoints: Section | None
    tickets: Section | None
    interventions: Section | None
    siblings: Section | None


def read_records(source: Source, as_of: date) -> Records:
    """All sections of the accounts in ``board_account``.

    Parameters
    ----------
    source : Source
        Its connection holds ``board_account``, ``board_seen`` where there is a rollup of usage,
        and ``known_term`` of the as-of date where there are contracts.
    as_of : date
    """
    reader = _Reader(source, as_of)
    people, names = reader.people()
    return Records(
        people=people,
        names=names,
        milestones=reader.milestones(),
        contracts=reader.contracts(),
        seats=reader.seats(),
        invoices=reader.invoices(),
        surveys=reader.surveys(),
        touchpoints=reader.touchpoints(),
        tickets=reader.tickets(),
        interventions=reader.interventions(),
        siblings=reader.siblings(),
    )


def _text(day: str) -> str:
    return f"CAST({day} AS VARCHAR)"


def _struct(fields: Mapping[str, str]) -> str:
    listed = ", ".join(f"'{name}': {sql}" for name, sql in fields.items())
    return f"{{{listed}}}"


@dataclass(frozen=True)
class _Reader:
    source: Source
    as_of: date

    @property
    def _day(self) -> str:
        return f"DATE '{self.as_of}'"

    def _known(self, table: str) -> str:
        """The table as known, of the accounts asked for."""
        rows = known_rows(self.source, table, self.as_of)
        return (
            f"(SELECT row.*, {self._day} AS as_of FROM {rows} AS row "
            "SEMI JOIN board_account USING (account_id))"
        )

    def _fetch(self, query: str) -> Section:
        return dict(self.source.connection.execute(query).fetchall())

    def _list(self, rows: str, fields: Mapping[str, str], order: str, most: int) -> Section:
        """By account a list of its first rows in some order."""
        return self._fetch(
            f"""SELECT account_id, list({_struct(fields)} ORDER BY place)
            FROM (SELECT *, row_number() OVER (PARTITION BY account_id ORDER BY {order}) AS place
                  FROM ({rows}))
            WHERE place <= {most} GROUP BY account_id"""
        )

    def _summary(self, table: str, fields: Mapping[str, str]) -> Section:
        """By account one object over all its rows; ``account`` is null where it has none."""
        return self._fetch(
            f"""SELECT board_account.account_id, {_struct(fields)}
            FROM (SELECT account_id, {self._day} AS as_of FROM board_account) AS board_account
            LEFT JOIN (SELECT * EXCLUDE (as_of, account_id), account_id AS account
                       FROM {self._known(table)}) AS row ON account = board_account.account_id
            GROUP BY board_account.account_id, as_of"""
        )

    def _fetch_texts(self, query: str) -> Texts:
        """By account the second column of a query as the text of its JSON."""
        self.source.connection.execute(f"SELECT key, to_json(told) FROM ({query}) AS t(key, told)")
        return dict(self.source.connection.fetchall())

    def people(self) -> tuple[Texts | None, Texts | None]:
        """Key users first, then who was seen last; and the names of those listed."""
        listed, seen = self.source.has("users"), self.source.usage is not None
        seen = seen and self.source.has("usage", "user_id")
        if not listed and not seen:
            return None, None
        person = f"SELECT * FROM {self._known('users')}" if listed else _NOBODY
        use = "SELECT * FROM board_seen" if seen else _UNSEEN
        roles = ", ".join(f"'{role}'" for role in KEY_ROLES)
        use_of = "coalesce({}, 0)" if seen else "{}"
        self.source.connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE board_person AS
            SELECT account_id, user_id, person.name, role,
                   coalesce(role IN ({roles}), FALSE) AS is_key, last_day,
                   {use_of.format("events")} AS events, {use_of.format("days")} AS days,
                   activated_at, deactivated_at,
                   count(*) OVER (PARTITION BY account_id) AS people,
                   row_number() OVER (PARTITION BY account_id ORDER BY is_key DESC,
                       deactivated_at IS NOT NULL, last_day DESC NULLS LAST, user_id) AS place
            FROM ({person}) AS person FULL JOIN ({use}) AS seen USING (account_id, user_id)"""
        )
        fields = {
            "user_id": "user_id", "role": "role", "key": "is_key", "last_use": _text("last_day"),
            "events": "events", "days": "days", "activated_on": _text("activated_at"),
            "deactivated_on": _text("deactivated_at"),
        }  # fmt: skip
        people = self._fetch_texts(
            f"""SELECT account_id, {{'users': list({_struct(fields)} ORDER BY place),
                       'more': any_value(people) - count(*)}}
            FROM board_person WHERE place <= {MOST_PEOPLE} GROUP BY account_id"""
        )
        names = self.source.has("users", "name") or None
        return people, names and self._fetch_texts(
            f"""SELECT account_id, map(list(user_id ORDER BY place), list(name ORDER BY place))
            FROM board_person WHERE place <= {MOST_PEOPLE} AND name IS NOT NULL
            GROUP BY account_id"""
        )

    def milestones(self) -> Section | None:
        """What was planned and reached, the earliest first."""
        if not self.source.has("milestones"):
            return None
        end = "coalesce(reached_at, as_of)"
        late = f"greatest(date_diff('day', planned_at, {end}), 0)"
        fields = {
            "kind": "kind", "name": "name", "planned_on": _text("planned_at"),
            "reached_on": _text("reached_at"), "days_late": late,
        }  # fmt: skip
        order = "coalesce(planned_at, reached_at), kind, name NULLS LAST, reached_at NULLS LAST"
        return self._list(self._known("milestones"), fields, order, MOST_RECORDS)

    def contracts(self) -> Section | None:
        """Those that run or are to begin, then the latest ones before."""
        if not self.source.has("contracts"):
            return None
        ends = "CASE WHEN {0} < " + FOREVER + " THEN " + _text("{0}") + " END"
        fields = {
            "contract_id": "contract_id", "starts_on": _text("start_date"),
            "ends_on": _text("end_date"), "ended_on": "CASE WHEN actual_end <= as_of THEN "
            + ends.format("actual_end") + " END", "decide_by": _text("decision_date"),
            "notice_days": "notice_days", "notice_given_on": _text("notice_on"),
            "auto_renew": "auto_renew", "term_months": "term_months",
            "billing_months": "billing_period_months", "plan": "plan", "product": "product",
            "seats": "seats", "arr": "arr", "currency": "currency", "discount": "discount",
            "terms_before": "terms_before", "price_change": "price_change",
            "renewed": "successor_known",
        }  # fmt: skip
        price = CONTRACT_FIGURES["contract.price_change"].sql
        rows = f"""SELECT term.*, given.notice_given_at AS notice_on, {price} AS price_change
            FROM known_term AS term SEMI JOIN board_account USING (account_id)
            LEFT JOIN (SELECT contract_id, notice_given_at FROM contracts
                       WHERE notice_given_at < {self._day}) AS given USING (contract_id)
            WHERE term.as_of = {self._day}"""
        order = "actual_end > as_of DESC, start_date DESC, contract_id"
        return self._list(rows, fields, order, MOST_CONTRACTS)

    def seats(self) -> Section | None:
        """Seats of the contracts that run, in grace of the last; null where one does not say."""
        if not self.source.has("contracts", "seats"):
            return None
        last = "least(as_of, max(actual_end) OVER (PARTITION BY account_id) - 1) AS last_day"
        running = "last_day < actual_end"
        return self._fetch(
            f"""SELECT account_id, {whole_sum("seats", running)}
            FROM (SELECT *, {last} FROM known_term SEMI JOIN board_account USING (account_id)
                  WHERE as_of = {self._day} AND start_date <= as_of)
            GROUP BY account_id"""
        )

    def invoices(self) -> Section | None:
        """What is open and overdue, and how late the last one was paid."""
        if not self.source.has("invoices"):
            return None
        paid, due = (self.source.has("invoices", name) for name in ("paid_at", "due_at"))
        overdue = "paid_at IS NULL AND due_at < as_of"
        both = paid and due
        amount = both and self.source.has("invoices", "amount")
        late = "date_diff('day', due_at, paid_at)"
        fields = {
            "issued": "count(account)",
            "open": count_where("account IS NOT NULL AND paid_at IS NULL") if paid else "NULL",
            "overdue": count_where(overdue) if both else "NULL",
            "amount_overdue": INVOICE_FIGURES["invoice.amount_overdue"].sql if amount else "NULL",
            "oldest_overdue_days": f"date_diff('day', min(due_at) FILTER (WHERE {overdue}), as_of)",
            "last_paid_on": _text("max(paid_at)"),
            "last_paid_late_days": f"max_by({late}, paid_at) FILTER (WHERE due_at IS NOT NULL)",
        }
        return self._summary("invoices", fields)

    def surveys(self) -> Section | None:
        """The last reading of each kind: answers of one day are averaged."""
        if not self.source.has("surveys"):
            return None
        fields = {
            "kind": "kind", "value": "value", "on": _text("day"),
            "age_days": f"date_diff('day', day, {self._day})", "answers": "answers",
        }  # fmt: skip
        rows = f"""SELECT account_id, lower(kind) AS kind, day, {exact_mean("value")} AS value,
                   count(*) AS answers
            FROM {self._known("surveys")} GROUP BY account_id, lower(kind), day
            QUALIFY row_number() OVER (PARTITION BY account_id, lower(kind)
                                       ORDER BY day DESC) = 1"""
        return self._list(rows, fields, "kind", MOST_RECORDS)

    def touchpoints(self) -> Section | None:
        """Those of the last year, the latest first; no free text."""
        if not self.source.has("touchpoints"):
            return None
        fields = {"on": _text("day"), "kind": "kind", "initiated_by": "lower(initiated_by)"}
        rows = f"SELECT * FROM {self._known('touchpoints')} WHERE day >= {self._day} - {YEAR}"
        order = "day DESC, kind, initiated_by NULLS LAST"
        return self._list(rows, fields, order, MOST_RECORDS)

    def tickets(self) -> Section | None:
        """Counts of what is open, escalated and came in lately."""
        if not self.source.has("tickets"):
            return None
        resolved = self.source.has("tickets", "resolved_at")
        escalated = resolved and self.source.has("tickets", "escalated")
        wanted = {
            "open": ("ticket.open", resolved),
            "escalated_open": ("ticket.escalated_open", escalated),
            "oldest_open_days": ("ticket.oldest_open_days", resolved),
            "opened": ("ticket.opened_28d", True),
        }
        fields = {
            name: TICKET_FIGURES[figure].sql if there else "NULL"
            for name, (figure, there) in wanted.items()
        }
        fields["opened_before"] = count_where("opened_at >= as_of - 56 AND opened_at < as_of - 28")
        return self._summary("tickets", fields)

    def interventions(self) -> Section | None:
        """What was done because of a score, the latest first."""
        if not self.source.has("interventions"):
            return None
        fields = {"on": _text("day"), "playbook": "playbook", "status": "status"}
        order = "day DESC, playbook NULLS LAST, status NULLS LAST"
        return self._list(self._known("interventions"), fields, order, MOST_RECORDS)

    def siblings(self) -> Section | None:
        """How many other customers have the same parent; nothing else is said of them."""
        if not self.source.has("accounts", "parent_id"):
            return None
        return self._fetch(
            f"""SELECT account_id, count(*) OVER (PARTITION BY parent_id) - 1
            FROM {self._known("accounts")} WHERE parent_id IS NOT NULL"""
        )


_NOBODY = """SELECT NULL::VARCHAR AS account_id, NULL::VARCHAR AS user_id, NULL::VARCHAR AS name,
    NULL::VARCHAR AS role, NULL::DATE AS activated_at, NULL::DATE AS deactivated_at WHERE FALSE"""
_UNSEEN = """SELECT NULL::VARCHAR AS account_id, NULL::VARCHAR AS user_id,
    NULL::DATE AS last_day, NULL::BIGINT AS events, NULL::BIGINT AS days WHERE FALSE"""
