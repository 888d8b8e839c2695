"""Strict casts as SQL: a text either is exactly a value of the column's type or is refused with a reason.

DuckDB's own casts are lenient (`19.99` becomes the integer 20, `007` becomes 7, `01/02/26` the year 26), so each cast has two
ways: where the value prints back as the very text it came from, it is taken as it is, which costs little; any other text must
fit a pattern in full. Expressions are layered, each over the names of those before it: `text` reads cells, `candidate` is
DuckDB's cast, `read` is what was strictly read, `value` is what is kept, `reason` says why a text has no value.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.entities import Column
from ingest.mappings import Cell, Csv, When

SPACES = "\t\n\r \u00a0\u202f\u2009\ufeff"
TRUE = ("true", "1", "yes", "y", "oui", "o", "vrai")
FALSE = ("false", "0", "no", "n", "non", "faux")
YEARS = (1900, 2199)
ISO = {
    "date": r"\d{4}-\d\d-\d\d",
    "timestamp": r"\d{4}-\d\d-\d\d[ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6}0*)?)?",
    "time": r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?",
}
OFFSET = r"( ?Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)"


@dataclass(frozen=True)
class Cast:
    """SQL of one column, layer by layer; a text with a null `value` is a fault."""

    candidate: str
    read: str
    value: str
    reason: str


def literal(text: str) -> str:
    """The text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def clean(column: str) -> str:
    """SQL of a cell without surrounding white space; null when nothing is left."""
    is_trimmed = f"{column} between '!' and chr(127) and {column}[-1] between '!' and '~'"
    return f"case when {is_trimmed} then {column} else nullif(trim({column}, {literal(SPACES)}), '') end"


def text(cell: Cell, column: Column, reference: Callable[[str], str | None]) -> str:
    """SQL of the text a column is cast from; `reference` gives the SQL of a header's trimmed cell, None where it is absent."""
    if cell.value is not None:
        return literal(cell.value)
    if cell.join:
        parts = ", ".join(reference(header) or "null::varchar" for header in cell.join.columns)
        sql = f"nullif(concat_ws({literal(cell.join.with_)}, {parts}), '')"
    else:
        headers = (cell.sequence,) if cell.sequence else cell.from_
        sql = next((found for header in headers if (found := reference(header))), "null::varchar")
    if cell.split:
        sql = clean(f"split_part({sql}, {literal(cell.split.on)}, {cell.split.part})")
    if cell.values:
        # A text without a translation stays as it is, except where only standard values are right: there it is a fault.
        other = literal("\x01") if column.accepted or column.type == "boolean" else sql
        other = literal(cell.other) if cell.other is not None else other
        whens = " ".join(f"when {literal(given)} then {literal(meant)}" for given, meant in cell.values.items() if given)
        sql = f"nullif(case coalesce({sql}, '') {whens} when '' then {literal(cell.values.get('', ''))} else {other} end, '')"
    if cell.empty is not None:
        sql = f"coalesce({sql}, {literal(cell.empty)})"
    return sql


def cast(cell: Cell, column: Column, csv: Csv, timezone: str, name: str) -> Cast:
    """The strict cast of a column whose layers are named `text_<name>`, `candidate_<name>` and `read_<name>`."""
    if column.type == "varchar":
        return _varchar(column, name)
    if column.type == "boolean":
        return _boolean(name)
    if column.type in ISO:
        return _time(cell, column, cell.timezone or timezone, name)
    return _number(cell, column, Csv() if cell.value is not None else csv, name)


def condition(when: When, reference: Callable[[str], str | None]) -> str:
    """SQL that is true for the rows `when` picks; never null."""
    tests = []
    for header, verbs in when.items():
        value = f"coalesce({reference(header)}, '')"
        if verbs.is_ is not None:
            tests.append(f"{value} in ({_list(verbs.is_)})")
        if verbs.is_not is not None:
            tests.append(f"{value} not in ({_list(verbs.is_not)})")
        if verbs.matches is not None:
            tests.append(f"regexp_matches({value}, {literal(verbs.matches)})")
        if verbs.not_matches is not None:
            tests.append(f"not regexp_matches({value}, {literal(verbs.not_matches)})")
        if verbs.negative is not None:
            tests.append(f"{'' if verbs.negative else 'not '}regexp_matches({value}, {literal(_NEGATIVE)})")
        if verbs.present is not None:
            tests.append(f"{value} {'<>' if verbs.present else '='} ''")
    return " and ".join(tests) or "true"


_NEGATIVE = r"^[(−-]|^[^0-9]*[−-]\s*[0-9]|[−-]$"


def _list(texts: Sequence[str]) -> str:
    return ", ".join(map(literal, texts))


def _varchar(column: Column, name: str) -> Cast:
    text = f"text_{name}"
    if not column.accepted:
        return Cast("null", text, f"read_{name}", "null")
    fitting = f"case when {text} in ({_list(column.accepted)}) then {text} end"
    standard = ", ".join(column.accepted)
    reason = f"not one of the standard values {standard}; translate it with `values`"
    return Cast("null", fitting, f"read_{name}", literal(reason))


def _boolean(name: str) -> Cast:
    text, lower = f"text_{name}", f"lower(text_{name})"
    read = (
        f"case when {text} = 'false' then false when {text} = 'true' then true "
        f"when {lower} in ({_list(TRUE)}) then true when {lower} in ({_list(FALSE)}) then false end"
    )
    return Cast("null", read, f"read_{name}", literal("not a yes or a no; translate it with `values`"))


def _number(cell: Cell, column: Column, csv: Csv, name: str) -> Cast:
    text, candidate, read = f"text_{name}", f"candidate_{name}", f"read_{name}"
    is_whole = not column.type.startswith("decimal")
    scale = 0 if is_whole else int(column.type.rstrip(")").split(",")[1])
    read_type, read_scale = (column.type, scale) if cell.unit is None else ("decimal(24,8)", 8)

    plain, printed = text, f"{candidate}::varchar"
    if csv.decimal != ".":
        plain, printed = f"replace({text}, ',', '.')", f"replace({candidate}::varchar, '.', ',')"
    is_same = f"starts_with({printed}, {text})" if read_scale else f"{printed} = {text}"

    group = {"": "", " ": _SPACE, "'": "['’]"}.get(csv.thousands, re.escape(csv.thousands))
    whole = rf"0|[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+|[1-9][0-9]*" if group else "0|[1-9][0-9]*"
    fraction = rf"{re.escape(csv.decimal)}[0-9]{{1,{read_scale}}}0*"
    digits = rf"(?:(?:{whole})(?:{fraction})?|{fraction})" if read_scale else rf"(?:{whole})"
    symbol = rf"(?:(?:{'|'.join(map(re.escape, csv.symbols))}){_SPACE}*)?" if csv.symbols else ""
    amount = f"{symbol}{digits}{_SPACE}*{symbol}"
    number = rf"[−-]?{_SPACE}*{amount}|{symbol}[−-]{digits}|{amount}[−-]|\({amount}\)"

    bare = f"regexp_extract({text}, {literal(digits)})"
    bare = f"replace(regexp_replace({bare}, '[^0-9{csv.decimal}]', '', 'g'), '{csv.decimal}', '.')"
    sign = f"case when regexp_matches({text}, '[(−-]') then '-' else '' end"
    fitting = f"case when regexp_full_match({text}, {literal(number)}) then try_cast({sign} || {bare} as {read_type}) end"

    value = f"abs({read})" if cell.absolute else read
    if cell.unit is not None:
        product = f"({value} * {cell.unit:f}::decimal(12,6))"
        value = f"case when try_cast({product} as {column.type}) = {product} then try_cast({product} as {column.type}) end"
    kind = "a whole number" if is_whole else f"a number with at most {scale} decimals and decimal mark {csv.decimal!r}"
    return Cast(
        candidate=f"try_cast({plain} as {read_type})",
        read=f"case when {is_same} then {candidate} when {text} is not null then {fitting} end",
        value=value,
        reason=literal(f"not {kind}" + (f" and thousands {csv.thousands!r}" if csv.thousands else "")),
    )


_SPACE = r"[ \x{00a0}\x{202f}\x{2009}]"


def _time(cell: Cell, column: Column, timezone: str, name: str) -> Cast:
    text, candidate, read = f"text_{name}", f"candidate_{name}", f"read_{name}"
    is_iso = "iso" in cell.format
    formats = [form for form in cell.format if form != "iso" and "%z" not in form]
    parsed = f"try_strptime({text}, [{_list(formats)}])::{column.type}" if formats else f"null::{column.type}"
    if is_iso:
        full = f"regexp_full_match({text}, {literal(ISO[column.type])})"
        fitting = f"coalesce(case when {full} then try_cast({text} as {column.type}) end, {parsed})"
        is_same = f"{candidate}::varchar = {text}" + (f" and {_is_plausible(candidate)}" if column.type != "time" else "")
        parsed = f"try_cast({text} as {column.type})"
        read_sql = f"case when {is_same} then {candidate} when {text} is not null then {_plausible(fitting, column)} end"
    else:
        read_sql = _plausible(candidate, column)
    forms = " or ".join(_EXAMPLES[column.type] if form == "iso" else form for form in cell.format)
    if column.type == "time":
        return Cast(parsed, read_sql, read, literal(f"not a time written as {forms}"))

    reason = literal(f"not a {column.type} written as {forms}, of a year from {YEARS[0]} to {YEARS[1]}")
    instants = [_instant(form, text) for form in cell.format if "%z" in form]
    value = read
    if column.type == "timestamp":
        instants += [_iso_instant(text)] if is_iso else []
        value = to_utc(read, timezone)
        skipped = f"a local time that does not exist: clocks in {timezone} were put forward over it"
        reason = f"case when {read} is not null then {literal(skipped)} else {reason} end"
    if instants:
        instant = _plausible(f"coalesce({', '.join(instants)})::{column.type}", column)
        # Only where no local time is written: one that the clocks skipped stays refused.
        value = f"case when {read} is not null then {value} else {instant} end"
    return Cast(parsed, read_sql, value, reason)


def _is_plausible(time: str) -> str:
    return f"year({time}) between {YEARS[0]} and {YEARS[1]}"


def _plausible(time: str, column: Column) -> str:
    return time if column.type == "time" else f"case when {_is_plausible(time)} then {time} end"


_EXAMPLES = {"date": "2026-01-31", "timestamp": "2026-01-31 13:45:00", "time": "13:45"}


def _instant(format_: str, text: str) -> str:
    zulu = f"regexp_replace({text}, '[zZ]$', '+00:00')"
    return f"timezone('UTC', try_strptime({zulu}, {literal(format_)}))"


def _iso_instant(text: str) -> str:
    zulu = f"regexp_replace({text}, ' ?[zZ]$', '+00')"
    full = f"regexp_full_match({text}, {literal(ISO['timestamp'] + OFFSET)})"
    return f"case when {full} then timezone('UTC', try_cast({zulu} as timestamptz)) end"


def to_utc(local: str, timezone: str) -> str:
    """SQL that turns a local time into UTC: the first of two where clocks were put back, null where they were put forward."""
    if timezone == "UTC":
        return local
    zone = literal(timezone)
    instant = f"timezone({zone}, {local})"
    # Of two instants with one clock time the engine takes the later; clocks go back by an hour.
    earlier = f"({instant} - to_hours(1))"
    chosen = f"case when timezone({zone}, {earlier}) = {local} then {earlier} else {instant} end"
    return f"case when timezone({zone}, {instant}) = {local} then timezone('UTC', {chosen}) end"
