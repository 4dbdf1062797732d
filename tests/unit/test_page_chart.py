"""Charts are well-formed, carry their words and data, and no style attribute."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from serving.chart import Chart, choose_labels, choose_ticks
from serving.chart_area import draw_areas
from serving.chart_bar import draw_bars, draw_contribution
from serving.chart_calendar import CalendarWords, Week, draw_calendar
from serving.chart_line import LineMark, LinePoint, LineWords, draw_line
from serving.chart_sparkline import draw_sparkline

HOSTILE = '<script>alert("1")</script>&'
SVG = "{http://www.w3.org/2000/svg}"


def percent(value: float) -> str:
    return f"{value:.0%}"


def line_chart() -> Chart:
    points = [LinePoint("1", 0.1, 0.05, 0.2), LinePoint("2", None), LinePoint("3", 0.3, 0.2, 0.4),
              LinePoint(HOSTILE, 0.5, 0.4, 0.6)]  # fmt: skip
    words = LineWords(
        title=HOSTILE, summary=HOSTILE, columns=("a", "b", "c", "d", "e"), write=percent
    )
    return draw_line("line", points, words, [LineMark(2, "warning", HOSTILE)])


def calendar_chart() -> Chart:
    words = CalendarWords(
        title=HOSTILE, summary=HOSTILE, columns=("a", "b", "c", "d"), plain=HOSTILE,
        hatched=HOSTILE, write=percent,
    )  # fmt: skip
    return draw_calendar("cal", [Week(HOSTILE, 3.0, 1.0, "2"), Week("b", 0.0, 0.0, "")], words)


CHARTS = (
    line_chart(),
    calendar_chart(),
    draw_areas("area", (HOSTILE, HOSTILE, "week"), ["1", "2"],
               [(HOSTILE, [1.0, 2.0]), ("b", [0.0, 1.0])], percent),
    draw_bars("bars", (HOSTILE, HOSTILE, ("a", "b")), [(HOSTILE, 0.3), ("b", -0.2)], percent),
)  # fmt: skip
EMPTY = (
    draw_line("l", [], LineWords(title="", summary="", columns=("",) * 5, write=percent)),
    draw_areas("a", ("", "", ""), [], [], percent),
    draw_bars("b", ("", "", ("", "")), [], percent),
)


@pytest.mark.parametrize("chart", [*CHARTS, *EMPTY])
def test_a_chart_is_sound_xml_without_style_or_script(chart: Chart) -> None:
    root = ElementTree.fromstring(chart.drawing)
    for element in root.iter():
        assert element.tag not in (f"{SVG}script", f"{SVG}style", f"{SVG}foreignObject")
        assert not {name for name in element.attrib if name == "style" or name.startswith("on")}


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_has_a_title_a_description_and_its_data_as_a_table(chart: Chart) -> None:
    root = ElementTree.fromstring(chart.drawing)
    named = (root.get("aria-labelledby") or "").split()
    words = {element.get("id"): element.text for element in root.iter() if element.get("id")}
    assert [words[one] for one in named] == [HOSTILE, HOSTILE]
    assert root.get("role") == "img"
    assert chart.rows
    assert {len(row) for row in chart.rows} == {len(chart.columns)}


def test_small_drawings_are_passed_over_by_screen_readers() -> None:
    for drawing in (
        draw_sparkline([0.1, None, 0.3, 0.2]),
        draw_contribution(-1, 2),
    ):
        assert ElementTree.fromstring(drawing).get("aria-hidden") == "true"
        assert "style" not in drawing


def test_a_sparkline_needs_two_values() -> None:
    assert draw_sparkline([]) == draw_sparkline([None, 0.3]) == ""


def test_a_small_change_is_drawn_small() -> None:
    drawn = str(draw_sparkline([0.50, 0.51]))
    ys = [float(y) for y in re.findall(r'points="[\d.]+,([\d.]+) [\d.]+,([\d.]+)"', drawn)[0]]
    assert abs(ys[0] - ys[1]) < 2


def test_contributions_go_to_the_right_where_they_raise_and_to_the_left_where_they_lower() -> None:
    raised, lowered = (
        ElementTree.fromstring(draw_contribution(value, 0.4)).find(f"{SVG}rect")
        for value in (0.2, -0.2)
    )
    assert raised is not None
    assert lowered is not None
    assert (raised.get("x"), raised.get("width"), raised.get("class")) == ("60", "30", "raises")
    assert (lowered.get("x"), lowered.get("width"), lowered.get("class")) == ("30", "30", "lowers")


@pytest.mark.parametrize("high", [0.07, 1.0, 3.4, 99.0, 12_345.0, 4.6e6])
def test_ticks_are_few_and_reach_the_largest_value(high: float) -> None:
    ticks = choose_ticks(high)
    assert ticks[0] == 0.0
    assert high <= ticks[-1] * (1 + 1e-9)
    assert 3 <= len(ticks) <= 6


@pytest.mark.parametrize("unit", [0.1, 1.0])
@pytest.mark.parametrize("high", [0.04, 0.3, 1.0, 2.0, 3.0, 7.0, 9.0, 12_345.0])
def test_texts_of_ticks_tell_one_from_another(high: float, unit: float) -> None:
    ticks = choose_ticks(high, unit=unit)
    assert ticks[-1] >= high
    for tick in ticks:
        assert tick / unit == pytest.approx(round(tick / unit))


def test_the_last_place_is_labelled() -> None:
    for count in range(1, 60):
        labelled = list(choose_labels(count, 8))
        assert labelled[-1] == count - 1
        assert len(labelled) <= 8
