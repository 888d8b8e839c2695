"""Casts are exact: every text is a value of its type, or is refused; none is changed."""

import csv as python_csv
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.casting import cast, clean, literal, to_utc
from ingest.entities import Column
from ingest.mappings import Cell, ClockChanges, Csv, Dialect

CONNECTION = duckdb.connect()
CONNECTION.execute("set timezone = 'UTC'")


@dataclass(frozen=True)
class Terms:
    dialect: Dialect
    timezone: str
    clock_changes: ClockChanges


def value_of(
    given: str | None, type_: str, csv: Csv | None = None, zone: str = "UTC", accepted: tuple[str, ...] = (), **verbs
) -> tuple[Any, str]:
    """What a cell becomes: (value, ""), or (None, reason) for a text that is refused."""
    return value_in({"header": given}, type_, csv, zone, accepted, None, **verbs)


def value_in(
    cells: dict[str, str | None],
    type_: str,
    csv: Csv | None = None,
    zone: str = "UTC",
    accepted: tuple[str, ...] = (),
    changes: ClockChanges | None = None,
    **verbs: Any,
) -> tuple[Any, str]:
    """What a row of cells becomes: (value, ""), or (None, reason)."""
    column = Column("x", type_, False, accepted, None)
    cell = Cell.model_validate({"from": "header"} | verbs if not {"sum", "join", "value"} & set(verbs) else verbs)
    parts = cast(
        cell, column, Terms(csv or Csv(), zone, changes or ClockChanges()), "x", {name: f'"{name}"' for name in cells}.get
    )
    raw = ", ".join(f'{"null" if text is None else literal(text)}::varchar as "{name}"' for name, text in cells.items())
    cleaned = ", ".join(clean(f'"{name}"') + f' as "{name}"' for name in cells)
    sql = f"select {cleaned} from (select {raw})"
    for layer in (parts.texts, parts.candidates, parts.reads):
        sql = f"select *, {', '.join(f'{part} as {name}' for name, part in layer.items())} from ({sql})" if layer else sql
    text, value, reason = CONNECTION.execute(f"select text_x, ({parts.value})::{type_}, {parts.reason} from ({sql})").fetchall()[
        0
    ]
    return (value, "") if value is not None or text is None else (None, reason)


def kept(*arguments, **options) -> Any:
    value, reason = value_of(*arguments, **options)
    assert not reason, reason
    return value


def is_refused(*arguments, **options) -> bool:
    return bool(value_of(*arguments, **options)[1])


@pytest.mark.parametrize("given", ["0", "7", "-12", "2147483647", " 5 ", "\u00a05\u202f"])
def test_whole_numbers_are_kept(given: str) -> None:
    assert kept(given, "integer") == int(given.strip(" \u00a0\u202f"))


@pytest.mark.parametrize(
    "given", ["19.99", "1.0", "1.", "007", "1e3", "0x1F", "1_000", "+5", "2147483648", "1 2", "١", "five", "--1", "-"]
)
def test_whole_numbers_are_never_guessed(given: str) -> None:
    assert is_refused(given, "integer")


FRENCH = Csv(delimiter=";", decimal=",", thousands=(" ",), symbols=("€",))
ENGLISH = Csv(decimal=".", thousands=(",",), symbols=("$", "USD"))
EITHER = Csv(thousands=(" ", ","))


@pytest.mark.parametrize(
    ("given", "csv", "amount"),
    [
        ("19.99", Csv(), "19.99"),
        ("19.990000", Csv(), "19.99"),
        (".5", Csv(), "0.5"),
        ("5.", Csv(), "5"),
        ("1 234,", FRENCH, "1234"),
        ("-5,", FRENCH, "-5"),
        ("-0.00", Csv(), "0"),
        ("12345678901234.5678", Csv(), "12345678901234.5678"),
        ("19,99", FRENCH, "19.99"),
        ("1 234 567,8", FRENCH, "1234567.8"),
        ("1\u00a0234,50 €", FRENCH, "1234.50"),
        ("1\u202f234,50\u00a0€", FRENCH, "1234.50"),
        ("1234,5", FRENCH, "1234.5"),
        ("-3,00", FRENCH, "-3"),
        ("3,00-", FRENCH, "-3"),
        ("\u22123,00", FRENCH, "-3"),
        ("(3,00)", FRENCH, "-3"),
        ("$1,234.00", ENGLISH, "1234"),
        ("-$45.00", ENGLISH, "-45"),
        ("-$1,234.00", ENGLISH, "-1234"),
        ("($12.50)", ENGLISH, "-12.5"),
        ("(12,50 €)", FRENCH, "-12.5"),
        ("12,50 €-", FRENCH, "-12.5"),
        ("1 234,50", FRENCH, "1234.5"),
        ("$-45.00", ENGLISH, "-45"),
        ("45.00 USD", ENGLISH, "45"),
        ("1.234,50", Csv(decimal=",", thousands=(".",)), "1234.5"),
        ("1'234.50", Csv(thousands=("'",)), "1234.5"),
        ("1,234,567.5", EITHER, "1234567.5"),
        ("1\u202f234\u00a0567", EITHER, "1234567"),
        ("1234567", EITHER, "1234567"),
    ],
)
def test_amounts_are_read_as_their_dialect_writes_them(given: str, csv: Csv, amount: str) -> None:
    assert kept(given, "decimal(18,4)", csv) == Decimal(amount)


@pytest.mark.parametrize(
    ("given", "csv"),
    [
        ("1.23456", Csv()),  # would be rounded
        (".", Csv()),
        ("5.", Csv(decimal=",", thousands=(".",))),
        ("123456789012345.6", Csv()),  # would overflow
        ("1e3", Csv()),
        ("007.5", Csv()),
        ("1_000.0", Csv()),
        ("+5.0", Csv()),
        ("1,5", Csv()),
        ("1.5", Csv(decimal=",")),  # a point is no decimal comma
        ("1.500", Csv(decimal=",")),
        ("1,234", Csv(decimal=".")),
        ("12 34,5", FRENCH),
        ("1 23,5", FRENCH),
        ("1.5", Csv(decimal=",", thousands=(".",))),
        ("1,234 567", EITHER),  # one mark or the other
        ("1,5", EITHER),
        ("1.234.567", EITHER),
        ("12€50", FRENCH),
        ("12 $", FRENCH),
        ("(3,00", FRENCH),
        ("-3,00-", FRENCH),
        ("NaN", Csv()),
        ("inf", Csv()),
        ("n/a", Csv()),
    ],
)
def test_amounts_written_otherwise_are_refused(given: str, csv: Csv) -> None:
    assert is_refused(given, "decimal(18,4)", csv)


def test_units_multiply_exactly_or_refuse() -> None:
    assert kept("1999", "decimal(18,4)", unit="0.01") == Decimal("19.99")
    assert kept("20", "decimal(9,6)", unit="0.01") == Decimal("0.2")
    assert kept("1.5", "decimal(18,4)", unit="60") == Decimal(90)
    assert kept("2", "integer", unit="60") == 120
    assert is_refused("0.012", "decimal(18,4)", unit="0.01")
    assert is_refused("0.5", "integer", unit="1")


def test_absolute_drops_the_sign() -> None:
    assert kept("-2,50", "decimal(18,4)", FRENCH, absolute=True) == Decimal("2.5")


@pytest.mark.parametrize(
    ("given", "day", "verbs"),
    [
        ("2026-01-31", date(2026, 1, 31), {}),
        ("31/01/2026", date(2026, 1, 31), {"format": "%d/%m/%Y"}),
        ("1/2/2026", date(2026, 2, 1), {"format": "%d/%m/%Y"}),
        ("20260131", date(2026, 1, 31), {"format": ["%d/%m/%Y", "%Y%m%d"]}),
        ("31/01/26", date(2026, 1, 31), {"format": "%d/%m/%y"}),
    ],
)
def test_dates_are_read_as_declared(given: str, day: date, verbs: dict) -> None:
    assert kept(given, "date", **verbs) == day


@pytest.mark.parametrize(
    ("given", "verbs"),
    [
        ("2026-01-31 13:45:00", {}),
        ("2026-1-31", {}),
        ("2026-02-30", {}),
        ("infinity", {}),
        ("2026-01-01 (BC)", {}),
        ("31/01/26", {"format": "%d/%m/%Y"}),  # not the year 26
        ("31/01/2026 10:00", {"format": "%d/%m/%Y"}),
        ("01/31/2026", {"format": "%d/%m/%Y"}),
        *((word, {"format": form}) for word in ("infinity", "-Infinity", "EPOCH") for form in ("%d/%m/%Y", "%Y-%m-%d %z")),
        ("1850-01-01", {}),
    ],
)
def test_dates_written_otherwise_are_refused(given: str, verbs: dict) -> None:
    assert is_refused(given, "date", **verbs)


@pytest.mark.parametrize(
    ("given", "verbs", "utc"),
    [
        ("2026-01-15 10:00:00", {}, "2026-01-15 09:00"),
        ("2026-07-15T10:00", {}, "2026-07-15 08:00"),
        ("2026-07-15T10:00:00Z", {}, "2026-07-15 10:00"),
        ("2026-07-15T10:00:00+05:30", {}, "2026-07-15 04:30"),
        ("2026-07-15 10:00:00-0400", {}, "2026-07-15 14:00"),
        ("15/07/2026 10:00", {"format": "%d/%m/%Y %H:%M"}, "2026-07-15 08:00"),
        ("15/07/2026 10:00", {"format": "%d/%m/%Y %H:%M", "timezone": "America/New_York"}, "2026-07-15 14:00"),
        ("4/2/2021 4:00:00 PM", {"format": "%m/%d/%Y %I:%M:%S %p"}, "2021-04-02 14:00"),
        ("4/2/2021, 4:00:00\u202fPM", {"format": "%m/%d/%Y, %I:%M:%S %p"}, "2021-04-02 14:00"),
        ("2021-04-02 04:00:00 +0000", {"format": "%Y-%m-%d %H:%M:%S %z"}, "2021-04-02 04:00"),
        ("2021-04-02T04:00:00Z", {"format": "%Y-%m-%dT%H:%M:%S%z"}, "2021-04-02 04:00"),
    ],
)
def test_instants_become_utc(given: str, verbs: dict, utc: str) -> None:
    assert kept(given, "timestamp", zone="Europe/Paris", **verbs) == datetime.fromisoformat(utc)


def test_a_local_time_the_clocks_skipped_is_refused_saying_so() -> None:
    value, reason = value_of("2026-03-29 02:30:00", "timestamp", zone="Europe/Paris")
    assert value is None
    assert "does not exist" in reason
    assert "Europe/Paris" in reason


@pytest.mark.parametrize(
    "given", ["2026-01-15", "15/01/2026 10:00", "2026-01-15 24:00:00", "2026-01-15 10:00:00 Europe/Paris", "now"]
)
def test_instants_written_otherwise_are_refused(given: str) -> None:
    assert is_refused(given, "timestamp")


def test_times_of_day_are_read_strictly() -> None:
    assert kept("09:30", "time").isoformat() == "09:30:00"
    assert kept("9:30", "time", format="%H:%M").isoformat() == "09:30:00"
    assert is_refused("24:00", "time")
    assert is_refused("9:30", "time")


@pytest.mark.parametrize(("given", "truth"), [("Oui", True), ("0", False), ("TRUE", True), ("n", False), ("peut-être", None)])
def test_booleans(given: str, truth: bool | None) -> None:
    assert value_of(given, "boolean")[0] is truth
    assert is_refused(given, "boolean") == (truth is None)


def test_texts_are_trimmed_and_otherwise_untouched() -> None:
    assert kept(" 007 ", "varchar") == "007"
    assert kept("17850.0", "varchar") == "17850.0"
    assert kept("\ufeff\u00a0a  b\t", "varchar") == "a  b"
    assert kept("   ", "varchar") is None


def test_only_standard_values_pass_where_they_are_declared() -> None:
    accepted = ("paid", "cancelled")
    assert kept("paid", "varchar", accepted=accepted) == "paid"
    value, reason = value_of("payée", "varchar", accepted=accepted)
    assert value is None
    assert "paid, cancelled" in reason
    assert kept("payée", "varchar", accepted=accepted, values={"payée": "paid"}) == "paid"
    assert is_refused("paid", "varchar", accepted=accepted, values={"payée": "paid"})
    assert kept("?", "varchar", accepted=accepted, values={"payée": "paid"}, other="cancelled") == "cancelled"


def test_verbs_combine() -> None:
    assert kept("a-b-c", "varchar", split={"on": "-", "part": 2}) == "b"
    assert kept("a-b-c", "varchar", split={"on": "-", "part": -1}) == "c"
    assert kept("a", "varchar", split={"on": "-", "part": 2}) is None
    assert kept(None, "varchar", empty="unknown") == "unknown"
    assert kept("", "varchar", values={"": "none"}) == "none"
    assert kept("x", "varchar", values={"a": "b"}) == "x"
    assert (
        kept("('12)", "varchar", strip={"start": "(", "end": [")", "."]}, split={"on": "'", "part": 2}, values={"12": "A"}) == "A"
    )
    assert kept("0000-00-00", "date", values={"0000-00-00": ""}) is None
    assert literal("l'or") == "'l''or'"


def test_what_values_does_not_list_is_refused_where_it_could_pass_for_a_value() -> None:
    prices: dict[str, Any] = {"values": {"310": "19.99"}}
    assert kept("310", "decimal(18,4)", **prices) == Decimal("19.99")
    value, reason = value_of("311", "decimal(18,4)", **prices)
    assert (value, reason) == (None, "not one of the texts that `values` lists")
    assert is_refused("2026-01-02", "date", values={"tomorrow": "2026-01-03"})
    assert kept("311", "decimal(18,4)", **prices, other="0") == 0


def test_blank_texts_mean_nothing_and_others_stay() -> None:
    for text in ("n/a", "-", ""):
        assert kept(text, "decimal(18,4)", blank=["n/a", "-"]) is None
    assert kept("3.5", "decimal(18,4)", blank=["n/a", "-"]) == Decimal("3.5")
    assert kept("n/a", "integer", blank="n/a", empty="0") == 0


@pytest.mark.parametrize(
    ("given", "sku", "strip"),
    [
        ("'7210", "7210", {"start": "'"}),
        ("17850.0", "17850", {"end": [".00", ".0"]}),
        ("17850.00", "17850", {"end": [".00", ".0"]}),
        ("17850.5", "17850.5", {"end": ".0"}),
        ("#1001", "1001", {"start": ["N° ", "#"]}),
        ("# 1001", "1001", {"start": "#"}),
        ("'", None, {"start": "'"}),
        ("1001", "1001", {"start": "#", "end": ".0"}),
    ],
)
def test_what_a_system_adds_to_its_numbers_is_stripped(given: str, sku: str | None, strip: dict) -> None:
    assert kept(given, "varchar", strip=strip) == sku


def test_several_columns_add_up_exactly_or_not_at_all() -> None:
    taxes: dict[str, Any] = {"sum": ["a", "b", "c"]}
    assert value_in({"a": "1,10", "b": None, "c": "-0,10"}, "decimal(18,4)", FRENCH, **taxes) == (Decimal(1), "")
    assert value_in({"a": None, "b": None, "c": ""}, "decimal(18,4)", FRENCH, **taxes) == (None, "")
    assert value_in({"a": "1,10", "b": "1.10", "c": None}, "decimal(18,4)", FRENCH, **taxes)[1].startswith("not a number")
    assert value_in({"a": "150", "b": "50", "c": "0"}, "decimal(18,4)", unit="0.01", **taxes) == (Decimal(2), "")


def test_an_amount_is_shared_by_the_units_of_its_line() -> None:
    def price(amount: str, units: str | None, **verbs) -> tuple:
        return value_in({"header": amount, "units": units}, "decimal(18,4)", ENGLISH, divided_by="units", **verbs)

    assert price("$10.00", "4") == (Decimal("2.5"), "")
    assert price("$10.00", "3") == (Decimal("3.3333"), "")
    assert price("-$20.00", "-3") == (Decimal("6.6667"), "")
    for units in ("0", "", None, "two"):
        assert price("$10.00", units) == (None, "cannot be divided: 'units' holds no number but nought")
    assert price("ten", "2")[1].startswith("not a number")
    assert price("-$20.00", "2", absolute=True) == price("$20.00", "-2", absolute=True) == (Decimal(10), "")


def test_a_rate_is_a_sum_of_taxes_over_their_amount() -> None:
    rate: dict[str, Any] = {"sum": ["a", "b"], "divided_by": "net"}
    assert value_in({"a": "1500.00", "b": "500.00", "net": "10000.00"}, "decimal(9,6)", **rate) == (Decimal("0.2"), "")
    assert value_in({"a": None, "b": None, "net": "10000.00"}, "decimal(9,6)", **rate) == (None, "")
    assert value_in({"a": "20000000", "b": None, "net": "0.01"}, "decimal(9,6)", **rate)[0] is None


def test_a_column_may_write_its_numbers_otherwise_than_its_file() -> None:
    other: dict[str, Any] = {"number": {"decimal": ",", "thousands": " ", "symbols": ["€"]}}
    assert kept("(1\u202f234,50\u00a0€)", "decimal(18,4)", **other) == Decimal("-1234.5")
    assert is_refused("1234.50", "decimal(18,4)", **other)


def test_a_text_is_only_there_where_its_condition_holds() -> None:
    paid: dict[str, Any] = {"when": {"state": {"is": "paid"}}}
    assert value_in({"header": "5", "state": "paid"}, "integer", **paid) == (5, "")
    assert value_in({"header": "five", "state": "open"}, "integer", **paid) == (None, "")
    assert value_in({"state": "open"}, "integer", value="1", **paid) == (None, "")


def test_each_row_may_name_its_time_zone() -> None:
    zones = {"from": "zone", "values": {"Eastern Time (US & Canada)": "America/New_York", "Paris": "Europe/Paris"}}

    def instant(local: str, zone: str | None, timezone: dict) -> tuple:
        return value_in({"header": local, "zone": zone}, "timestamp", timezone=timezone)

    assert instant("2026-07-15 10:00", "Eastern Time (US & Canada)", zones) == (datetime(2026, 7, 15, 14), "")
    assert instant("2026-07-15 10:00", "Paris", zones) == (datetime(2026, 7, 15, 8), "")
    assert instant("2026-07-15 10:00", "Europe/Lisbon", {"from": "zone"}) == (datetime(2026, 7, 15, 9), "")
    assert "column 'zone', is not one that" in instant("2026-07-15 10:00", "London", zones)[1]
    assert "column 'zone', is not one that" in instant("2026-07-15 10:00", None, zones)[1]
    assert "clocks in Europe/Paris were put back" in instant("2026-10-25 02:30", "Paris", zones)[1]
    assert "clocks in America/New_York were put forward" in instant("2026-03-08 02:30", "Eastern Time (US & Canada)", zones)[1]
    assert "not a timestamp" in instant("15/07/2026", "Paris", zones)[1]


@pytest.mark.parametrize(
    ("given", "form"), [("1767348000", "unix"), ("1767348000000", "unix_ms"), ("1767348000000000", "unix_us")]
)
def test_times_may_be_counted_from_1970(given: str, form: str) -> None:
    assert kept(given, "timestamp", zone="Europe/Paris", format=form) == datetime(2026, 1, 2, 10)
    assert is_refused("1767348000.5", "timestamp", format=form)
    assert is_refused("-1", "timestamp", format=form)
    assert is_refused("99999999999999999", "timestamp", format=form)


DIALECTS = [(Csv(), ".", ""), (FRENCH, ",", " "), (ENGLISH, ".", ",")]


@settings(max_examples=150, deadline=None)
@given(st.text("0123456789-., +e_()€$", max_size=9), st.sampled_from(DIALECTS))
def test_amounts_agree_with_python(given: str, dialect: tuple[Csv, str, str]) -> None:
    csv, decimal, thousands = dialect
    value, reason = value_of(given, "decimal(18,4)", csv)
    if value is None:
        assert bool(reason) == bool(given.strip())
        return
    # Whatever is kept is the number a person reads there: its digits, its one decimal mark, its sign.
    body = given.strip().strip("$€ ").replace("€", "").replace("$", "")
    negative = any(mark in body for mark in "-(")
    plain = re.sub(r"[^0-9.,]", "", body)
    plain = plain.replace(thousands, "") if thousands.strip() else plain
    try:
        number = Decimal(plain.replace(decimal, "."))
    except InvalidOperation:
        raise AssertionError(f"{given!r} was read as {value}") from None
    assert value == (-number if negative else number)
    assert not set(given) & set("+e_")


@settings(max_examples=150, deadline=None)
@given(st.from_regex(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{1,4}", fullmatch=True))
def test_dates_agree_with_python(given: str) -> None:
    try:
        expected = datetime.strptime(given, "%d/%m/%Y").date()
    except ValueError:
        expected = None
    if expected and not 1900 <= expected.year <= 2199:
        expected = None
    assert value_of(given, "date", format="%d/%m/%Y")[0] == expected


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31)),
    st.sampled_from(["Europe/Paris", "America/Sao_Paulo", "Australia/Lord_Howe", "Indian/Reunion", "America/New_York", "UTC"]),
)
def test_local_times_agree_with_the_time_zone_database(local: datetime, zone: str) -> None:
    first = local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    exists = first.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local
    second = local.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)
    for changes, expected in (
        (ClockChanges(), first if exists and first == second else None),
        (ClockChanges(repeated="first"), first if exists else None),
        (ClockChanges(repeated="second"), second if exists else None),
        # Of a time that was skipped, Python's first is the one an hour on.
        (ClockChanges(repeated="first", skipped="forward"), first),
    ):
        sql = f"select {to_utc('t', zone, changes)} from (select $t::timestamp as t)"
        found = CONNECTION.execute(sql, {"t": local}).fetchall()[0][0]
        assert found == (expected.replace(tzinfo=None) if expected else None)


@pytest.mark.parametrize(
    ("zone", "change", "minutes"),
    [
        ("Australia/Lord_Howe", datetime(2026, 4, 5, 2), 30),  # half an hour
        ("Europe/Paris", datetime(2026, 10, 25, 3), 60),
        ("America/Caracas", datetime(2007, 12, 9, 3), 30),  # for good
        ("Asia/Pyongyang", datetime(2015, 8, 15), 30),
        ("Antarctica/Troll", datetime(2026, 10, 25, 3), 120),
        ("Pacific/Kwajalein", datetime(1969, 10, 1), 23 * 60),  # over the date line
    ],
)
def test_a_local_time_is_doubtful_where_two_instants_have_it_however_far_clocks_went_back(
    zone: str, change: datetime, minutes: int
) -> None:
    both = ClockChanges(repeated="first"), ClockChanges(repeated="second")
    for minute in (-minutes - 1, -minutes, -minutes // 2, -1, 0, 61):
        local = change + timedelta(minutes=minute)
        first, second = (local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC).replace(tzinfo=None) for fold in (0, 1))
        is_twice = -minutes <= minute < 0
        assert (first != second) == is_twice
        assert (value_of(str(local), "timestamp", zone=zone)[0] is None) == is_twice
        kept = [value_in({"header": str(local)}, "timestamp", zone=zone, changes=changes)[0] for changes in both]
        assert kept == [first, second]


def test_the_hour_put_back_is_refused_unless_the_mapping_says_which() -> None:
    first = ClockChanges(repeated="first")
    for minute in range(60):
        local = datetime(2026, 10, 25, 2) + timedelta(minutes=minute)
        value, reason = value_of(str(local), "timestamp", zone="Europe/Paris")
        assert value is None
        assert "was twice" in reason
        assert "`clock_changes: {repeated: first}`" in reason
        told = value_in({"header": str(local)}, "timestamp", zone="Europe/Paris", changes=first)
        assert told == (local - timedelta(hours=2), "")


def test_python_reads_back_what_the_mapping_keeps() -> None:
    row = next(python_csv.reader(['7,"a ""quoted"" text", x ']))
    assert [kept(cell, "varchar") for cell in row] == ["7", 'a "quoted" text', "x"]
