"""Numbers and dates as people of each language write them. French groups with U+202F and spaces units with U+00A0."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import formats


@pytest.mark.parametrize(
    ("number", "kind", "english", "french"),
    [
        (61.204, "currency", "€61.20", "61,20\N{NO-BREAK SPACE}€"),
        (12345.6, "currency", "€12,346", "12\u202f346\N{NO-BREAK SPACE}€"),
        (4123456.0, "currency", "€4.12M", "4,12\N{NO-BREAK SPACE}M\N{NO-BREAK SPACE}€"),
        (-3.5, "currency", "-€3.50", "-3,50\N{NO-BREAK SPACE}€"),
        (-0.0001, "currency", "€0.00", "0,00\N{NO-BREAK SPACE}€"),
        (0.1243, "percent", "12.4%", "12,4\N{NO-BREAK SPACE}%"),
        (0.0041, "percent", "0.41%", "0,41\N{NO-BREAK SPACE}%"),
        (0.0, "percent", "0.0%", "0,0\N{NO-BREAK SPACE}%"),
        (26412, "count", "26,412", "26\u202f412"),
        (126412345, "count", "126.4M", "126,4\N{NO-BREAK SPACE}M"),
        (2.345, "decimal", "2.34", "2,34"),
        (14.23, "minutes", "14.2\N{NO-BREAK SPACE}min", "14,2\N{NO-BREAK SPACE}min"),
        (152.3, "hours", "152\N{NO-BREAK SPACE}h", "152\N{NO-BREAK SPACE}h"),
        (3.4, "days", "3.4\N{NO-BREAK SPACE}d", "3,4\N{NO-BREAK SPACE}j"),
    ],
)
def test_a_value_reads_as_its_kind_is_written(number: float, kind: str, english: str, french: str) -> None:
    assert formats.value(number, kind, "en", "EUR") == english
    assert formats.value(number, kind, "fr", "EUR") == french


def test_money_in_a_narrow_cell_is_short() -> None:
    assert [formats.short(number, "currency", "en", "EUR") for number in (80.4, 6789.0, 12345.6)] == ["€80", "€6.8K", "€12K"]
    assert formats.short(12345.6, "currency", "fr", "EUR") == "12\N{NO-BREAK SPACE}k\N{NO-BREAK SPACE}€"
    assert formats.short(12345, "count", "en", "EUR") == "12,345"


@pytest.mark.parametrize("number", [None, float("nan"), float("inf")])
def test_nothing_reads_as_a_dash_and_never_as_nan(number: float | None) -> None:
    assert formats.value(number, "percent", "fr", "EUR") == "–"


@pytest.mark.parametrize(
    ("now", "before", "kind", "english", "french"),
    [
        (0.124, 0.116, "percent", "+0.8\N{NO-BREAK SPACE}pt", "+0,8\N{NO-BREAK SPACE}pt"),
        (0.1001, 0.1005, "percent", "-0.04\N{NO-BREAK SPACE}pt", "-0,04\N{NO-BREAK SPACE}pt"),
        (102.1, 100.0, "currency", "+2.1%", "+2,1\N{NO-BREAK SPACE}%"),
        (45.0, 48.0, "minutes", "-3.0\N{NO-BREAK SPACE}min", "-3,0\N{NO-BREAK SPACE}min"),
    ],
)
def test_a_change_is_points_for_shares_time_for_durations_and_per_cent_for_the_rest(
    now: float, before: float, kind: str, english: str, french: str
) -> None:
    assert formats.change(now, before, kind, "en") == english
    assert formats.change(now, before, kind, "fr") == french


def test_a_change_from_nothing_or_from_zero_is_unknown() -> None:
    assert formats.change(1.0, None, "count", "en") is None
    assert formats.change(1.0, 0.0, "count", "en") is None


@given(
    st.floats(0.001, 1e9),
    st.floats(0.001, 1e9),
    st.sampled_from(["currency", "percent", "count", "decimal", "minutes", "hours", "days"]),
    st.sampled_from(["en", "fr"]),
)
def test_a_fall_starts_with_an_ascii_hyphen_in_every_language(now: float, before: float, kind: str, language: str) -> None:
    text = formats.change(now, before, kind, language)
    assert text is not None
    assert text[0] == ("-" if now < before else "+")
    assert "\N{MINUS SIGN}" not in text


def test_a_period_says_the_year_once_where_it_is_one() -> None:
    assert formats.span(date(2026, 10, 1), date(2026, 10, 1), "en") == "1 Oct 2026"
    assert formats.span(date(2026, 10, 1), date(2026, 11, 21), "en") == "1 Oct – 21 Nov 2026"
    assert formats.span(date(2025, 11, 22), date(2026, 11, 21), "fr") == "22 nov. 2025 – 21 nov. 2026"


def test_a_retail_month_is_named_after_the_month_most_of_it_is_in() -> None:
    assert formats.period(date(2026, 2, 1), "retail_month", "en") == "Feb 2026"
    assert formats.period(date(2026, 3, 29), "retail_month", "fr") == "avr. 2026"
    assert formats.period(date(2026, 10, 1), "quarter", "en") == "Q4 2026"


def test_a_year_of_weeks_has_few_ticks_and_the_year_only_where_it_changes() -> None:
    weeks = [date(2025, 11, 24) + timedelta(days=7 * place) for place in range(52)]
    days, labels = formats.ticks(weeks, "fr")
    assert days == [date(2026, 1, 1), date(2026, 4, 1), date(2026, 7, 1), date(2026, 10, 1)]
    assert labels == ["janv.<br>2026", "avr.", "juil.", "oct."]


def test_four_weeks_of_days_have_few_ticks() -> None:
    days, labels = formats.ticks([date(2026, 11, 1) + timedelta(days=place) for place in range(28)], "en")
    assert len(days) <= 5
    assert labels[0] == "1 Nov"


@given(st.floats(0, 1e7), st.floats(0.01, 1e7))
def test_a_scale_covers_its_values_with_few_round_marks(low: float, reach: float) -> None:
    marks = formats.scale(low, low + reach)
    assert marks[0] <= low * (1 + 1e-9) + 1e-9
    assert marks[-1] >= (low + reach) * (1 - 1e-6)
    assert 2 <= len(marks) <= 9


def test_axis_labels_are_bare_because_the_title_says_the_unit() -> None:
    assert formats.axis([0, 50_000, 100_000], "currency", "en") == ["0", "50", "100"]
    assert formats.unit("currency", 100_000, "en", "EUR") == "€\N{NO-BREAK SPACE}k"
    assert formats.unit("currency", 100_000, "fr", "EUR") == "k€"
    assert formats.axis([0.1, 0.125, 0.15], "percent", "fr") == ["10,0", "12,5", "15,0"]
    assert formats.unit("minutes", 20, "fr", "EUR") == "min"
