"""Use by the whole account, by module and by feature, on its board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial

from models.board import Board, Change, Feature, Module, Weekly
from serving.board_part import Part, split_grid, write_change, write_count, write_day
from serving.chart import Chart
from serving.chart_area import SERIES, draw_areas
from serving.chart_sparkline import draw_sparkline
from serving.page_format import MISSING
from serving.page_grid import Grid
from serving.page_language import Language
from serving.page_wording import unfold

SHOWN = 8  # features at once; the rest unfolds
CHANGE_COLUMNS = frozenset({1, 2, 3})


def show_company(board: Board, language: Language) -> Part:
    """Use by the whole account, the north star first."""
    text, company, weekly = language.text, board["company"], board["weekly"]
    title = text("Company")
    if company is None:
        return Part(name="company", title=title, notes=(_why_no_use(board, language),))
    seats, users = company["seats"], company["active_users"]
    notes = []
    if seats and users is not None:
        notes.append(
            text("%(users)s of %(seats)s seats were used in the last 28 days.")
            % {
                "users": language.formats.count(users["now"]),
                "seats": language.formats.count(seats),
            }
        )
    absent = [
        name
        for name, figure in (
            (text("page views"), company["views"]),
            (text("visits"), company["visits"]),
            (text("time"), company["hours"]),
            (text("value actions"), company["value_actions"]),
        )
        if figure is None
    ]
    if absent:
        notes.append(text("Not told by the usage table: %s.") % ", ".join(absent))
    return Part(
        name="company",
        title=title,
        notes=notes,
        charts=() if weekly is None else (_draw_star(weekly, language),),
        grid=_list_company(board, language),
    )


def _why_no_use(board: Board, language: Language) -> str:
    if board["modules"] is None and board["features"] is None:
        return language.text("There is no usage table, so nothing is known of how it is used.")
    return language.text("Rows of usage stand for spans too long to compare 28 days with.")


def _list_company(board: Board, language: Language) -> Grid:
    company, text = board["company"], language.text
    assert company is not None
    weekly = board["weekly"]
    found: list[tuple[str, Change | None, Sequence[float] | None, int]] = [
        (text("Value actions"), company["value_actions"], weekly and weekly["value_actions"], 0),
        (text("Visits"), company["visits"], weekly and weekly["visits"], 0),
        (text("Page views"), company["views"], weekly and weekly["views"], 0),
        (text("Active users"), company["active_users"], None, 0),
        (text("Hours"), company["hours"], weekly and weekly["hours"], 1),
        (text("Page views per visit"), company["views_per_visit"], None, 1),
        (text("All events"), company["events"], weekly and weekly["events"], 0),
    ]
    return Grid(
        caption=text("The last 28 days against the 28 before"),
        columns=(
            text("Figure"),
            text("Now"),
            text("Before"),
            text("Change"),
            text("26 weeks"),
        ),
        rows=[
            (*_compare(label, change, language, digits), draw_sparkline(weeks, least=1.0))
            if weeks
            else (*_compare(label, change, language, digits), MISSING)
            for label, change, weeks, digits in found
            if change is not None
        ],
        numbers=CHANGE_COLUMNS,
    )


def _compare(label: str, change: Change, language: Language, digits: int) -> tuple[str, ...]:
    now, before = change["now"], change["before"]
    write = partial(language.formats.decimal, digits=digits)
    return label, write(now), write(before), write_change(now, before, language)


def _draw_star(weekly: Weekly, language: Language) -> Chart:
    """The north star by week; all events where the configuration names no value actions."""
    text = language.text
    star = weekly["value_actions"]
    name = text("All events") if star is None else text("Value actions")
    values = weekly["events"] if star is None else star
    title = text("%s by week") % name
    return _draw_weeks("star", title, weekly["first_day"], [(name, values)], language)


def show_modules(board: Board, language: Language) -> Part:
    """Modules as stacked areas of page views and of time, and as a table of events."""
    text, modules, weekly = language.text, board["modules"], board["weekly"]
    title = text("Modules")
    if not modules:
        note = text("Modules are not told apart: none is named, or usage does not tell weeks.")
        return Part(name="modules", title=title, notes=(note,))
    charts, notes = [], []
    if weekly is not None:
        charts.append(_draw_use(modules, weekly, language))
        notes.append(_say_what_is_drawn(modules, language))
        hours = [(one["module"], h) for one in modules if (h := _hours_of(one)) is not None]
        if hours:
            charts.append(_draw_parts("hours", text("Hours by module"), weekly, hours, language))
        elif weekly["hours"] is None:
            notes.append(text("The usage table tells no time, so there are no hours by module."))
    return Part(
        name="modules",
        title=title,
        notes=notes,
        charts=charts,
        grid=_list_modules(modules, language),
    )


def _views_of(module: Module) -> Sequence[int] | None:
    """None too where the board was published before views were told by module."""
    return module.get("views")


def _hours_of(module: Module) -> Sequence[float] | None:
    """None too where the board is one from before views: its hours were not those of the events."""
    return module["hours"] if "views" in module else None


def _draw_use(modules: Sequence[Module], weekly: Weekly, language: Language) -> Chart:
    """Page views where any module tells them, else all events."""
    text = language.text
    views = [(one["module"], found) for one in modules if (found := _views_of(one)) is not None]
    if views:
        return _draw_parts("views", text("Page views by module"), weekly, views, language)
    events = [(one["module"], one["events"]) for one in modules]
    return _draw_parts("views", text("Events by module"), weekly, events, language)


def _say_what_is_drawn(modules: Sequence[Module], language: Language) -> str:
    text = language.text
    without = [unfold(one["module"]) for one in modules if _views_of(one) is None]
    if len(without) == len(modules):
        return text("No event of a module is known as a page view, so all events are drawn.")
    if not without:
        return text("Each module is drawn by its page views; the table counts all events.")
    return text(
        "Modules are drawn by their page views; these have none: %s. The table counts all events."
    ) % ", ".join(without)


def _draw_parts(
    name: str,
    title: str,
    weekly: Weekly,
    series: Sequence[tuple[str, Sequence[float]]],
    language: Language,
) -> Chart:
    """Stacked areas of what was used, the most used at the bottom; the rest summed."""
    used = sorted(
        ((unfold(one), values) for one, values in series if any(values)),
        key=lambda one: (-sum(one[1]), one[0]),
    )
    if len(used) > SERIES:
        rest = [
            sum(values) for values in zip(*(found for _, found in used[SERIES - 1 :]), strict=True)
        ]
        used = [*used[: SERIES - 1], (language.text("Others"), rest)]
    return _draw_weeks(name, title, weekly["first_day"], used, language)


def _draw_weeks(
    name: str,
    title: str,
    first_day: str,
    series: Sequence[tuple[str, Sequence[float]]],
    language: Language,
) -> Chart:
    text, formats = language.text, language.formats
    weeks = range(len(series[0][1])) if series else ()
    begin = date.fromisoformat(first_day)
    labels = [formats.short_day(begin + timedelta(7 * week)) for week in weeks]
    totals = [sum(values) for values in zip(*(found for _, found in series), strict=True)]
    last, usual = (sum(part) / len(part) if part else 0.0 for part in (totals[-4:], totals[:-4]))
    summary = text("In the last 4 weeks %(now)s a week, in those before %(before)s.") % {
        "now": formats.decimal(last),
        "before": formats.decimal(usual),
    }
    words = (title, summary, text("Week from"))
    return draw_areas(f"board-{name}", words, labels, series, formats.decimal)


def _list_modules(modules: Sequence[Module], language: Language) -> Grid:
    text, formats = language.text, language.formats
    total = sum(one["change"]["now"] for one in modules)
    ordered = sorted(
        modules, key=lambda one: (-one["change"]["now"], not one["ever"], one["module"])
    )
    return Grid(
        caption=text("Events by module, the last 28 days against the 28 before"),
        columns=(
            text("Module"),
            text("Now"),
            text("Before"),
            text("Change"),
            text("Share"),
            text("Last use"),
        ),
        rows=[
            (
                *_compare(unfold(one["module"]), one["change"], language, 0),
                formats.share(one["change"]["now"] / total) if total else MISSING,
                _write_use(one["last_use"], ever=one["ever"], language=language),
            )
            for one in ordered
        ],
        numbers=CHANGE_COLUMNS | {4},
    )


def show_features(board: Board, language: Language) -> Part:
    """Kinds of events, with the last use of each."""
    text, features = language.text, board["features"]
    title = text("Features")
    if not features:
        note = text("Features are not told apart: none is named, or usage does not tell weeks.")
        return Part(name="features", title=title, notes=(note,))
    never = sum(not one["ever"] for one in features)
    note = text("%(never)s of %(all)s features were never used.") % {
        "never": write_count(never, language),
        "all": write_count(len(features), language),
    }
    first, rest = split_grid(_list_features(features, language), SHOWN)
    return Part(
        name="features",
        title=title,
        notes=(note,),
        grid=first,
        rest=rest,
        folded=_draw_features(features, board["weekly"], language),
    )


def _draw_features(
    features: Sequence[Feature], weekly: Weekly | None, language: Language
) -> Sequence[Chart]:
    """The features of each module that was used as stacked areas, by module."""
    text = language.text
    if weekly is None:
        return ()
    by_module: dict[str, list[tuple[str, Sequence[float]]]] = {}
    for one in features:
        # A board that was published before features were told by week has none.
        if any(weeks := one.get("weeks", ())):
            by_module.setdefault(one["module"] or "", []).append((one["event"], weeks))
    return [
        _draw_parts(
            f"features-{place}",
            text("%s: days of users with each feature")
            % (unfold(module) if module else text("Without a module")),
            weekly,
            by_module[module],
            language,
        )
        for place, module in enumerate(sorted(by_module))
    ]


def _list_features(features: Sequence[Feature], language: Language) -> Grid:
    text = language.text
    ordered = sorted(
        features, key=lambda one: (-one["user_days"]["now"], not one["ever"], one["event"])
    )
    return Grid(
        caption=text("Days on which each was done, once per user: the last 28 days and before"),
        columns=(
            text("Feature"),
            text("Now"),
            text("Before"),
            text("Change"),
            text("Module"),
            text("Kind"),
            text("Last use"),
        ),
        rows=[
            (
                *_compare(unfold(one["event"]), one["user_days"], language, 0),
                MISSING if one["module"] is None else unfold(one["module"]),
                _name_kind(one, text),
                _write_use(one["last_use"], ever=one["ever"], language=language),
            )
            for one in ordered
        ],
        numbers=CHANGE_COLUMNS,
    )


def _name_kind(feature: Feature, text: Callable[[str], str]) -> str:
    kinds = [
        name
        for name, holds in (
            (text("core"), feature["core"]),
            (text("value action"), feature["value_action"]),
            (text("view"), feature["view"]),
        )
        if holds
    ]
    return ", ".join(kinds) or MISSING


def _write_use(last_use: str | None, *, ever: bool, language: Language) -> str:
    if last_use is not None:
        return write_day(last_use, language)
    return language.text("over 26 weeks ago") if ever else language.text("never used")
