"""Numbers and dates as people of each language write them: the only place that knows how.

A number's kind is the metric's `format`: currency, percent, count, decimal, minutes, hours or days.
"""

from datetime import date, datetime, timedelta
from functools import cache
from math import floor, isfinite, log10

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_compact_currency, format_compact_decimal, format_currency, format_decimal
from babel.numbers import format_percent as babel_percent

NOTHING = "–"
DURATIONS = {
    "minutes": {"en": "min", "fr": "min"},
    "hours": {"en": "h", "fr": "h"},
    "days": {"en": "d", "fr": "j"},
}
POINTS = {"en": "pt", "fr": "pt"}
THOUSANDS = {"en": "thousands", "fr": "milliers"}
MILLIONS = {"en": "millions", "fr": "millions"}
CALENDAR_GRAINS = {"retail_week": "week", "retail_month": "month", "retail_quarter": "quarter", "retail_year": "year"}


def value(number: float | None, kind: str, language: str, currency: str) -> str:
    """A number as its kind is read, short enough for a card; a dash for nothing."""
    if number is None or not isfinite(number):
        return NOTHING
    number = float(number)
    if kind == "currency":
        return _money(number, language, currency)
    if kind == "percent":
        return percent(number, language, digits=2 if 0 < abs(number) < 0.01 else 1)
    if kind in DURATIONS:
        return _unit(number, kind, language)
    if kind == "count":
        if abs(number) >= 10_000_000:
            return _ascii(format_compact_decimal(number, locale=language, fraction_digits=1))
        return _ascii(format_decimal(round(number), locale=language))
    return _plain(number, "#,##0.00", language)


def change(now: float | None, before: float | None, kind: str, language: str) -> str | None:
    """How far `now` is from `before`: points for shares, time for durations, per cent for the rest; None when unknown.

    The sign is always there and always ASCII: Streamlit colours a delta by its first character, and takes a
    typographic minus for a gain.
    """
    if now is None or before is None or not isfinite(now) or not isfinite(before):
        return None
    if kind == "percent":
        points = (now - before) * 100
        pattern = "#,##0.0" if abs(points) >= 0.1 or not points else "#,##0.00"
        return f"{_signed(points, pattern, language)}\N{NO-BREAK SPACE}{POINTS[language]}"
    if kind in DURATIONS:
        size = abs(now - before)
        return ("-" if now < before else "+") + _unit(size, kind, language)
    if not before:
        return None
    # of a loss, too, less is up
    share = (now - before) / abs(before)
    return _sign(share) + percent(abs(share), language, digits=1 if abs(share) < 1 else 0)


def percent(share: float, language: str, digits: int = 1) -> str:
    """A share (0–1) in per cent: “12.4%”, “12,4 %”."""
    whole = Locale.parse(language).percent_formats[None].pattern
    pattern = whole.replace("0", f"0.{'0' * digits}", 1) if digits else whole
    return _ascii(babel_percent(share, format=pattern, locale=language))


def number(quantity: float, language: str) -> str:
    """A plain number, grouped: “12,345”, “12 345”."""
    return _ascii(format_decimal(quantity, locale=language))


def decimal(quantity: float, language: str, digits: int = 3) -> str:
    """A parameter as it was set, with at most some digits: “0.2”, “0,2”."""
    return _plain(quantity, f"#,##0.{'#' * digits}", language)


def signed(quantity: float, language: str) -> str:
    """A bare number with its sign, a decimal where it is small: “+118”, “-4.2”."""
    return _signed(quantity, "#,##0" if abs(quantity) >= 10 else "#,##0.0", language)


def day(when: date, language: str, year: bool = True) -> str:
    """A day: “21 Nov 2026”, “21 nov. 2026”."""
    return format_date(when, "d MMM y" if year else "d MMM", locale=language)


def moment(when: datetime, language: str) -> str:
    """A moment to the minute: “21 Nov 2026, 14:05”."""
    return format_datetime(when, "d MMM y, HH:mm", locale=language)


def span(since: date, until: date, language: str) -> str:
    """Two days as a period, the year said once where it is one: “1 Oct – 21 Nov 2026”; one day as itself."""
    if since == until:
        return day(since, language)
    return f"{day(since, language, since.year != until.year)} – {day(until, language)}"


def period(start: date, grain: str, language: str) -> str:
    """The name of the period that starts on a day: “week of 16 Nov 2026”, “Nov 2026”, “Q4 2026”, “2026”."""
    if grain in CALENDAR_GRAINS and grain != "retail_week":
        # A retail month starts up to a week before the month it is named after.
        start = start + timedelta(days=10)
    plain = CALENDAR_GRAINS.get(grain, grain)
    if plain == "month":
        return format_date(start, "MMM y", locale=language)
    if plain == "quarter":
        return format_date(start, "QQQ y", locale=language)
    if plain == "year":
        return format_date(start, "y", locale=language)
    return day(start, language)


def ticks(starts: list[date], language: str, most: int = 5) -> tuple[list[date], list[str]]:
    """Few, round dates for a time axis, and their labels; the year is written under the month where it changes."""
    if not starts:
        return [], []
    first, last = min(starts), max(starts)
    if (last - first).days <= 70:
        step = max(1, len(starts) // most + (len(starts) % most > 0))
        chosen = sorted(starts)[::step]
        return chosen, [day(when, language, year=False) for when in chosen]
    months = [date(y, m, 1) for y in range(first.year, last.year + 1) for m in range(1, 13)]
    months = [when for when in months if first <= when <= last]
    step = next(s for s in (1, 2, 3, 6, 12, 24, 60, 1200) if len(months) / s <= most)
    chosen = [when for when in months if (when.month - 1 + 12 * (when.year % 100)) % step == 0] or months[:1]
    labels = [
        format_date(when, "MMM'<br>'y" if i == 0 or when.year != chosen[i - 1].year else "MMM", locale=language)
        for i, when in enumerate(chosen)
    ]
    return chosen, labels


def scale(low: float, high: float, steps: int = 5) -> list[float]:
    """Round values that cover `low` to `high`, about `steps` apart."""
    reach = (high - low) or abs(high) or 1.0
    rough = reach / steps
    magnitude = 10.0 ** floor(log10(rough))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough * 0.999)
    first = floor(low / step + 1e-9)
    return [i * step for i in range(first, floor(high / step - 1e-9) + 2)]


def axis(marks: list[float], kind: str, language: str) -> list[str]:
    """The labels of an axis' marks: bare numbers, for the unit is in the chart's title (see `unit`)."""
    largest = max((abs(mark) for mark in marks), default=0.0)
    shown = [mark * 100 if kind == "percent" else mark / factor(kind, largest) for mark in marks]
    digits = next((few for few in range(3) if all(abs(round(mark, few) - mark) < 1e-9 for mark in shown)), 3)
    pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
    return [_plain(mark, pattern, language) for mark in shown]


def bare(number: float, kind: str, language: str, digits: int = 1) -> str:
    """A value without its unit, for a cell of a chart whose title says it: “12.4”."""
    pattern = f"#,##0.{'0' * digits}" if digits and kind != "count" else "#,##0"
    return _plain(number * 100 if kind == "percent" else number, pattern, language)


def short(number: float, kind: str, language: str, currency: str) -> str:
    """A value for a narrow cell, money without cents and from a thousand on in thousands: “€950”, “€6.8K”, “€12K”."""
    if kind != "currency":
        return value(number, kind, language, currency)
    digits = 1 if 1_000 <= abs(number) < 10_000 else 0
    return _ascii(format_compact_currency(round(number), currency, locale=language, fraction_digits=digits))


def unit(kind: str, largest: float, language: str, currency: str) -> str:
    """The unit written in a chart's title: “€ k”, “%”, “min”; empty for bare numbers."""
    if kind == "percent":
        return "%"
    prefix = {1: "", 1_000: "k", 1_000_000: "M"}[factor(kind, largest)]
    if kind == "currency":
        symbol = _symbol(currency, language)
        return f"{symbol}\N{NO-BREAK SPACE}{prefix}".strip() if language == "en" else f"{prefix}{symbol}"
    if kind in DURATIONS:
        return DURATIONS[kind][language]
    return {"k": THOUSANDS[language], "M": MILLIONS[language]}.get(prefix, "")


def factor(kind: str, largest: float) -> int:
    """What an axis' numbers are divided by: 1, a thousand or a million; only money and counts are."""
    if kind not in ("currency", "count"):
        return 1
    return 1_000_000 if largest >= 4_000_000 else 1_000 if largest >= 4_000 else 1


def _money(number: float, language: str, currency: str) -> str:
    # less than half a cent is neither a gain nor a loss
    number = number if abs(number) >= 0.005 else 0.0
    if abs(number) >= 1_000_000:
        return _ascii(format_compact_currency(number, currency, locale=language, fraction_digits=2))
    pattern = Locale.parse(language).currency_formats["standard"].pattern
    if abs(number) >= 1_000:
        pattern = pattern.replace("0.00", "0")
    return _ascii(format_currency(number, currency, format=pattern, locale=language, currency_digits=False))


def _unit(number: float, kind: str, language: str) -> str:
    pattern = "#,##0" if abs(number) >= 100 else "#,##0.0"
    return f"{_plain(number, pattern, language)}\N{NO-BREAK SPACE}{DURATIONS[kind][language]}"


@cache
def _symbol(currency: str, language: str) -> str:
    return Locale.parse(language).currency_symbols.get(currency, currency)


def _plain(quantity: float, pattern: str, language: str) -> str:
    return _ascii(format_decimal(quantity, format=pattern, locale=language))


def _signed(quantity: float, pattern: str, language: str) -> str:
    return _sign(quantity) + _plain(abs(quantity), pattern, language)


def _sign(quantity: float) -> str:
    return "-" if quantity < 0 else "+"


def _ascii(text: str) -> str:
    return text.replace("\N{MINUS SIGN}", "-")
