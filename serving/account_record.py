"""What the records say of an account on its board: goals, contracts, invoices, voice, contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from models.board import Board, Contract, Milestone, Survey
from serving.account_wording import CHOICES, tell_status
from serving.board_part import Part, split_grid, write_count, write_day
from serving.page_format import MISSING
from serving.page_grid import Grid
from serving.page_language import Language
from serving.page_wording import unfold

SHOWN = 8  # rows of a list at once; the rest unfolds


def _(message: str) -> str:
    """Mark a message for the catalogues; it is translated where it is shown."""
    return message


SURVEY_WORDS = {
    "nps": _("NPS (0 to 10)"),
    "csat": _("Satisfaction"),
    "ces": _("Effort"),
    "csm_sentiment": _("Our own impression"),
    "fit": _("Fit"),
}
MILESTONE_WORDS = {"onboarding": _("onboarding"), "goal": _("goal")}
# A milestone that bears no name of its own is called by its kind.
GOAL_WORDS = {"onboarding": _("Onboarding"), "goal": _("Goal")}
SIDE_WORDS = {"vendor": _("us"), "customer": _("the customer")}


def show_records(board: Board, language: Language) -> Sequence[Part]:
    """The parts that stand beside each other."""
    return (
        _show_contracts(board, language),
        _show_goals(board, language),
        _show_contacts(board, language),
        _show_surveys(board, language),
        _show_tickets(board, language),
        _show_invoices(board, language),
        _show_actions(board, language),
    )


def name_of(value: str | None, known: Mapping[str, str], language: Language) -> str:
    """A short name of the data in words."""
    if value is None:
        return MISSING
    return language.text(known[value]) if value in known else unfold(value)


def _part(name: str, title: str, notes: Sequence[str], grid: Grid, most: int = SHOWN) -> Part:
    """A part whose table shows its first rows, and unfolds the others."""
    first, rest = split_grid(grid, most)
    return Part(name=name, title=title, notes=notes, grid=first, rest=rest)


def _show_goals(board: Board, language: Language) -> Part:
    text, found = language.text, board["milestones"]
    title = text("Goals and milestones")
    notes = [
        text("Value by day %(day)s: %(told)s.") % {"day": day, "told": text(told)}
        for day, told in (
            (30, _tell_value(board["value_by_day_30"])),
            (90, _tell_value(board["value_by_day_90"])),
        )
    ]
    if found is None:
        notes.append(text("There is no milestones table, so no goal is known."))
        return Part(name="goals", title=title, notes=notes)
    if not found:
        notes.append(text("No milestone of this account is known."))
        return Part(name="goals", title=title, notes=notes)
    grid = Grid(
        caption=text("What was planned, and when it was reached"),
        columns=(text("Milestone"), text("Kind"), text("Planned"), text("State")),
        rows=[_list_goal(one, language) for one in found],
    )
    return _part("goals", title, notes, grid)


def _tell_value(reached: bool | None) -> str:
    if reached is None:
        return _("not known")
    return _("reached") if reached else _("not reached")


def _list_goal(goal: Milestone, language: Language) -> tuple[str, ...]:
    return (
        unfold(goal["name"]) if goal["name"] else name_of(goal["kind"], GOAL_WORDS, language),
        name_of(goal["kind"], MILESTONE_WORDS, language),
        write_day(goal["planned_on"], language),
        _write_state(goal, language),
    )


def _write_state(goal: Milestone, language: Language) -> str:
    text, late = language.text, goal["days_late"]
    figure = write_count(late, language)
    if goal["reached_on"] is not None:
        day = write_day(goal["reached_on"], language)
        told = text("reached %s") % day
        return f"{told}, {text('%s days late') % figure}" if late else told
    if late:
        return text("open, %s days late") % figure
    return text("open")


def _show_contracts(board: Board, language: Language) -> Part:
    text, found = language.text, board["contracts"]
    title = text("Contract terms")
    if found is None:
        note = text("There is no contracts table.")
        return Part(name="contracts", title=title, notes=(note,))
    if not found:
        return Part(name="contracts", title=title, notes=(text("No contract is known."),))
    grid = Grid(
        caption=text("Terms, the newest first; ends are the first day after"),
        columns=(
            text("Term"),
            text("ARR"),
            text("Seats"),
            text("Price per seat"),
            text("Decide by"),
            text("State"),
        ),
        rows=[_list_contract(one, date.fromisoformat(board["as_of"]), language) for one in found],
        numbers=frozenset({1, 2, 3}),
    )
    return _part("contracts", title, _describe(found[0], language), grid, 3)


def _describe(term: Contract, language: Language) -> list[str]:
    """The newest term in one sentence of what is known of it."""
    text, formats = language.text, language.formats
    parts = [unfold(one) for one in (term["product"], term["plan"]) if one]
    if term["term_months"] is not None:
        parts.append(text("%s months") % formats.decimal(term["term_months"]))
    if term["billing_months"] is not None:
        parts.append(text("paid every %s months") % formats.decimal(term["billing_months"]))
    if term["auto_renew"] is not None:
        parts.append(text("renews by itself") if term["auto_renew"] else text("has to be renewed"))
    if term["notice_days"] is not None:
        parts.append(text("%s days of notice") % formats.count(term["notice_days"]))
    if term["discount"]:
        parts.append(text("%s discount") % formats.share(term["discount"]))
    parts.append(text("%s terms before") % formats.count(term["terms_before"]))
    return [" · ".join(parts)]


def _list_contract(term: Contract, as_of: date, language: Language) -> tuple[str, ...]:
    formats = language.formats
    end = term["ended_on"] or term["ends_on"]
    until = language.text("no end") if end is None else write_day(end, language)
    span = f"{write_day(term['starts_on'], language)} {MISSING} {until}"
    change = term["price_change"]
    return (
        span,
        formats.money(term["arr"], term["currency"]),
        write_count(term["seats"], language),
        MISSING if change is None else formats.change(change),
        # A term that ended before it was agreed to left nothing to decide on the day agreed.
        MISSING if _ended_early(term) else write_day(term["decide_by"], language),
        _write_term(term, as_of, language),
    )


def _ended_early(term: Contract) -> bool:
    ended, agreed = term["ended_on"], term["ends_on"]
    return ended is not None and (agreed is None or ended < agreed)


def _write_term(term: Contract, as_of: date, language: Language) -> str:
    text = language.text
    end = term["ended_on"] or term["ends_on"]
    if term["notice_given_on"] is not None:
        return text("notice given %s") % write_day(term["notice_given_on"], language)
    if term["renewed"]:
        return text("renewed")
    if date.fromisoformat(term["starts_on"]) >= as_of:
        return text("to begin")
    if end is not None and date.fromisoformat(end) < as_of:
        return text("ended")
    return text("running")


def _show_invoices(board: Board, language: Language) -> Part:
    text, found = language.text, board["invoices"]
    title = text("Invoices")
    if found is None:
        note = text("No invoice of this account is known, or there is no invoices table.")
        return Part(name="invoices", title=title, notes=(note,))
    # Invoices may be in another currency than contracts: the figure stands without one.
    amount = found["amount_overdue"]
    pairs = [
        (text("Issued"), write_count(found["issued"], language)),
        (text("Open"), write_count(found["open"], language)),
        (text("Overdue"), write_count(found["overdue"], language)),
        (text("Amount overdue"), language.formats.money(amount, None)),
        (text("Oldest overdue, days"), write_count(found["oldest_overdue_days"], language)),
        (text("Last paid"), write_day(found["last_paid_on"], language)),
        (text("Then paid"), _write_late(found["last_paid_late_days"], language)),
    ]
    return _list_pairs("invoices", title, text("What was invoiced and paid"), pairs, language)


def _write_late(days: int | None, language: Language) -> str:
    if days is None:
        return MISSING
    if days == 0:
        return language.text("on its day")
    told = language.text("%s days late") if days > 0 else language.text("%s days early")
    return told % language.formats.count(abs(days))


def _list_pairs(
    name: str, title: str, caption: str, pairs: Sequence[tuple[str, str]], language: Language
) -> Part:
    columns = (language.text("Figure"), language.text("Reading"))
    grid = Grid(caption=caption, columns=columns, rows=pairs, numbers=frozenset({1}))
    return Part(name=name, title=title, grid=grid)


def _show_tickets(board: Board, language: Language) -> Part:
    text, found = language.text, board["tickets"]
    title = text("Tickets")
    if found is None:
        note = text("No ticket of this account is known, or there is no tickets table.")
        return Part(name="tickets", title=title, notes=(note,))
    pairs = [
        (text("Open"), write_count(found["open"], language)),
        (text("Open and escalated"), write_count(found["escalated_open"], language)),
        (text("Oldest open, days"), write_count(found["oldest_open_days"], language)),
        (text("Opened in 28 days"), write_count(found["opened"], language)),
        (text("In the 28 before"), write_count(found["opened_before"], language)),
    ]
    return _list_pairs("tickets", title, text("Requests for support"), pairs, language)


def _show_surveys(board: Board, language: Language) -> Part:
    text, found = language.text, board["surveys"]
    title = text("Surveys")
    if found is None:
        note = text("There is no surveys table, so nobody knows what they say.")
        return Part(name="surveys", title=title, notes=(note,))
    if not found:
        return Part(name="surveys", title=title, notes=(text("Nobody answered a survey."),))
    grid = Grid(
        caption=text("The last answer of each kind, and how old it is"),
        columns=(text("Survey"), text("Reading"), text("Age, days"), text("Answers")),
        rows=[
            (
                name_of(one["kind"], SURVEY_WORDS, language),
                _write_value(one, language),
                write_count(one["age_days"], language),
                write_count(one["answers"], language),
            )
            for one in found
        ],
        numbers=frozenset({1, 2, 3}),
    )
    return _part("surveys", title, (), grid)


def _write_value(survey: Survey, language: Language) -> str:
    if survey["kind"] == "fit":
        return language.formats.share(survey["value"])
    return language.formats.decimal(survey["value"])


def _show_contacts(board: Board, language: Language) -> Part:
    text, found = language.text, board["touchpoints"]
    title = text("Contacts")
    if found is None:
        note = text("There is no touchpoints table, so no contact is known.")
        return Part(name="contacts", title=title, notes=(note,))
    if not found:
        return Part(name="contacts", title=title, notes=(text("No contact is known."),))
    grid = Grid(
        caption=text("Contacts, the newest first"),
        columns=(text("Day"), text("Kind"), text("Begun by")),
        rows=[
            (
                write_day(one["on"], language),
                name_of(one["kind"], CHOICES["contact"], language),
                name_of(one["initiated_by"], SIDE_WORDS, language),
            )
            for one in found
        ],
    )
    return _part("contacts", title, (), grid, 5)


def _show_actions(board: Board, language: Language) -> Part:
    text, found = language.text, board["interventions"]
    title = text("What was done because of a score")
    if found is None:
        note = text("There is no interventions table.")
        return Part(name="actions", title=title, notes=(note,))
    if not found:
        return Part(name="actions", title=title, notes=(text("Nothing is known to be done."),))
    grid = Grid(
        caption=text("Playbooks in the company's own tables, the newest first"),
        columns=(text("Day"), text("Playbook"), text("State")),
        rows=[
            (
                write_day(one["on"], language),
                name_of(one["playbook"], {}, language),
                MISSING if one["status"] is None else tell_status(one["status"], language),
            )
            for one in found
        ],
    )
    return _part("actions", title, (), grid, 5)
