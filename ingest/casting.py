"""Strict casts as SQL: a text either is exactly a value of the column's type or is refused with a reason.

DuckDB's own casts are lenient (`19.99` becomes the integer 20, `007` becomes 7, `01/02/26` the year 26), so each cast has two
ways: where the value prints back as the very text it came from, it is taken as it is, which costs little; any other text must
fit a pattern in full. Expressions are layered, each over the names of those before it: `text` reads cells, `candidate` is
DuckDB's cast, `read` is what was strictly read, `totals` are of all rows that share an amount, `value` is what is kept,
`reason` says why a text has none.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ingest.entities import Column
from ingest.mappings import Cell, ClockChanges, Dialect, Numbers, When, Zone

SPACES = "\t\n\r \u00a0\u202f\u2009\ufeff"
TRUE = ("true", "1", "yes", "y", "oui", "o", "vrai")
FALSE = ("false", "0", "no", "n", "non", "faux")
YEARS = (1900, 2199)
ISO = {
    "date": r"\d{4}-\d\d-\d\d",
    "timestamp": r"\d{4}-\d\d-\d\d[ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6}0*)?)?",
    "time": r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?",
}
# Times counted since 1970, UTC: how many digits such a number may have, and the microseconds of its unit.
UNIX = {"unix": (11, 1_000_000), "unix_ms": (14, 1_000), "unix_us": (17, 1)}
OFFSET = r"( ?Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)"


@dataclass(frozen=True)
class Cast:
    """SQL of one column, layer by layer; a text with a null `value` is a fault.

    Each layer but the last maps names to the SQL of what stands under them, the column's own text being `text_<name>`.
    """

    texts: dict[str, str]
    candidates: dict[str, str]
    reads: dict[str, str]
    value: str
    reason: str
    totals: dict[str, str] = field(default_factory=dict)


class Terms(Protocol):
    """What a mapping says of all its columns."""

    @property
    def dialect(self) -> Dialect: ...
    @property
    def timezone(self) -> str: ...
    @property
    def clock_changes(self) -> ClockChanges: ...


Reference = Callable[[str], str | None]


def literal(text: str) -> str:
    """The text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def clean(column: str) -> str:
    """SQL of a cell without surrounding white space; null when nothing is left."""
    is_trimmed = f"{column} between '!' and chr(127) and {column}[-1] between '!' and '~'"
    return f"case when {is_trimmed} then {column} else nullif(trim({column}, {literal(SPACES)}), '') end"


def cast(cell: Cell, column: Column, mapping: Terms, name: str, reference: Reference) -> Cast:
    """The strict cast of a column whose texts come from the cells that `reference` names: a header's SQL, None where absent."""
    if cell.divided_by:
        return _divided(cell, column, mapping, name, reference)
    if cell.sum:
        return _sum(cell, column, mapping, name, reference)
    texts = {f"text_{name}": _text(cell, column, reference)}
    if column.type == "varchar":
        one = _varchar(column, name)
    elif column.type == "boolean":
        one = _boolean(name)
    elif column.type in ISO:
        one = _time(cell, column, mapping, name, reference)
    else:
        one = _number(cell, column, Numbers() if cell.value is not None else cell.number or mapping.dialect, name)
    reason = one.reason
    if cell.values and cell.other is None and _is_closed(column):
        unlisted = literal("not one of the texts that `values` lists")
        reason = f"case when starts_with(text_{name}, {_UNLISTED}) then {unlisted} else {reason} end"
    return Cast(texts | one.texts, one.candidates, one.reads, one.value, reason)


def shown(name: str) -> str:
    """SQL of a column's text as it stood in its cell."""
    return f"ltrim(text_{name}, {_UNLISTED})"


# Stands before a text that `values` does not list, so that it can be no value.
_UNLISTED = "chr(1)"


def _is_closed(column: Column) -> bool:
    """Whether `values` must list every text: in free text what has no translation stays, elsewhere it might pass for a value."""
    return bool(column.accepted) or column.type != "varchar"


def _text(cell: Cell, column: Column, reference: Reference) -> str:
    """SQL of the text a column is cast from."""
    if cell.value is not None:
        sql = literal(cell.value)
        return f"case when {condition(cell.when, reference)} then {sql} end" if cell.when else sql
    if cell.join:
        parts = ", ".join(reference(header) or "null::varchar" for header in cell.join.columns)
        sql = f"nullif(concat_ws({literal(cell.join.with_)}, {parts}), '')"
    else:
        headers = (cell.sequence,) if cell.sequence else cell.from_
        sql = next((found for header in headers if (found := reference(header))), "null::varchar")
    if cell.when:
        sql = f"case when {condition(cell.when, reference)} then {sql} end"
    if cell.strip:
        sql = clean(_stripped(_stripped(sql, cell.strip.start, "start"), cell.strip.end, "end"))
    if cell.split:
        sql = clean(f"split_part({sql}, {literal(cell.split.on)}, {cell.split.part})")
    if cell.blank:
        sql = f"case when {sql} not in ({_list(cell.blank)}) then {sql} end"
    if cell.values:
        other = f"{_UNLISTED} || {sql}" if _is_closed(column) else sql
        other = literal(cell.other) if cell.other is not None else other
        whens = " ".join(f"when {literal(given)} then {literal(meant)}" for given, meant in cell.values.items() if given)
        sql = f"nullif(case coalesce({sql}, '') {whens} when '' then {literal(cell.values.get('', ''))} else {other} end, '')"
    if cell.empty is not None:
        sql = f"coalesce({sql}, {literal(cell.empty)})"
    return sql


def _stripped(sql: str, cuts: Sequence[str], end: str) -> str:
    whens = []
    for cut in cuts:
        kept = f"substr({sql}, {len(cut) + 1})" if end == "start" else f"left({sql}, -{len(cut)})"
        whens.append(f"when {end}s_with({sql}, {literal(cut)}) then {kept}")
    return f"case {' '.join(whens)} else {sql} end" if whens else sql


def _sum(cell: Cell, column: Column, mapping: Terms, name: str, reference: Reference) -> Cast:
    """The sum of several columns, each cast strictly; empty cells add nothing, and all of them empty are no sum."""
    rest = {"sum": (), "unit": None, "absolute": False}
    parts = [
        cast(cell.model_copy(update=rest | {"from_": (header,)}), column, mapping, f"{name}_{index}", reference)
        for index, header in enumerate(cell.sum)
    ]
    names = [f"{name}_{index}" for index in range(len(parts))]
    texts: dict[str, str] = {}
    for part in parts:
        texts |= part.texts
    sound = " and ".join(f"(text_{one} is null or read_{one} is not null)" for one in names)
    total = " + ".join(f"coalesce(read_{one}, 0)" for one in names)
    value = f"try_cast({_scaled(f'({total})', cell, column)} as {column.type})"
    # A later layer knows the parts by name; the column's own text is what stood in them.
    all_texts = ", ".join(texts[f"text_{one}"] for one in names)
    return Cast(
        texts | {f"text_{name}": f"nullif(concat_ws(' + ', {all_texts}), '')"},
        {key: sql for part in parts for key, sql in part.candidates.items()},
        {key: sql for part in parts for key, sql in part.reads.items()},
        f"case when text_{name} is not null and {sound} then {value} end",
        parts[0].reason,
    )


def _divided(cell: Cell, column: Column, mapping: Terms, name: str, reference: Reference) -> Cast:
    """An amount shared by the number another column holds, rounded to the column's decimals."""
    amount = replace(column, type="decimal(18,4)")
    found = cast(cell.model_copy(update={"divided_by": None, "absolute": False}), amount, mapping, name, reference)
    divisor = cast(Cell.model_validate({"from": cell.divided_by}), amount, mapping, f"{name}_by", reference)
    wrong = f"read_{name}_by is null or read_{name}_by = 0"
    reason = literal(f"cannot be divided: {cell.divided_by!r} holds no number but nought")
    scale = column.type.rstrip(")").split(",")[1]
    share = f"round(({found.value})::double / read_{name}_by::double, {scale})"
    share = f"abs({share})" if cell.absolute else share
    return Cast(
        found.texts | divisor.texts,
        found.candidates | divisor.candidates,
        found.reads | divisor.reads,
        f"case when not ({wrong}) then try_cast({share} as {column.type}) end",
        f"case when {wrong} then {reason} else {found.reason} end",
    )


def shared(cell: Cell, column: Column, mapping: Terms, name: str, reference: Reference, takes: str, order: str) -> Cast:
    """The row's part of an amount that the rows of its key have once, beside what the row has of its own.

    Parts are differences of a running total that is rounded to the cent, so that they add up to the amount. `takes` and `order`
    are SQL of what the rows that share it have in common beside the key, and of their order. Where one of them is at fault nobody
    knows the parts of the others.
    """
    assert cell.share
    amount, plain = replace(column, type="decimal(18,4)"), cell.model_copy(update={"share": None})
    whole = cast(plain, amount, mapping, f"{name}_whole", reference)
    own = cast(plain.model_copy(update={"from_": cell.beside}), amount, mapping, f"{name}_own", reference)
    factors = [
        cast(Cell.model_validate({"from": header, "number": cell.number}), amount, mapping, f"{name}_by_{index}", reference)
        for index, header in enumerate(cell.share.by)
    ]
    parts = [whole, own, *factors]
    text, key = f"text_{name}", f"text_{name}_key"
    had = f"coalesce({own.value}, 0)"
    # Wide enough for any two amounts: the engine would multiply two of 18 digits into 18, and fail.
    product = " * ".join(f"({factor.value})::decimal(20,4)" for factor in factors)
    left = f"(try_cast({product} as decimal(28,4)) - {had})"
    is_own_wrong = f"({text}_own is not null and {own.value} is null)"

    over = f"partition by {key}, {takes}"
    first = f"({over} order by {order} rows between unbounded preceding and unbounded following)"
    whole_of_key = f"first_value({whole.value} ignore nulls) over {first}"
    totals = {
        f"whole_{name}": whole_of_key,
        f"rest_{name}": f"{whole_of_key} - sum({had}) over ({over})",
        f"total_{name}": f"sum({left}) over ({over})",
        f"reached_{name}": f"sum({left}) over ({over} order by {order} rows unbounded preceding)",
        f"least_{name}": f"min({left}) over ({over})",
        f"is_read_{name}": f"bool_and({text}_whole is null or {whole.value} is not null) over ({over})",
        f"is_known_{name}": f"bool_and({left} is not null and not {is_own_wrong}) over ({over})",
    }
    rest, total, reached = f"rest_{name}", f"total_{name}", f"reached_{name}"
    by = " × ".join(map(repr, cell.share.by))
    faults = {
        f"not is_read_{name}": whole.reason,
        is_own_wrong: own.reason,
        f"whole_{name} < 0": literal("less than nothing, which cannot be shared"),
        f"{rest} > 0 and {key} is null": literal(f"cannot be shared: {cell.share.per!r} is empty"),
        f"{rest} > 0 and not is_known_{name}": literal(f"cannot be shared: {by} is no number in one of the rows"),
        f"{rest} > 0 and least_{name} < 0": literal(f"cannot be shared: {by} is less than nothing in one of the rows"),
        f"{rest} > {total}": literal(f"cannot be shared: it is more than {by} comes to in all the rows"),
    }
    is_fault = " or ".join(f"({fault})" for fault in faults)
    share = f"case when {rest} > 0 then {_part(rest, total, reached)} - {_part(rest, total, f'({reached} - {left})')} else 0 end"
    return Cast(
        {key: reference(cell.share.per) or "null::varchar"} | _merged(part.texts for part in parts),
        _merged(part.candidates for part in parts)
        | {text: f"coalesce(first_value({text}_whole ignore nulls) over {first}, {text}_own)"},
        _merged(part.reads for part in parts),
        f"case when {text} is not null and not coalesce({is_fault}, false) then try_cast({had} + {share} as {column.type}) end",
        f"case {' '.join(f'when {fault} then {reason}' for fault, reason in faults.items())} end",
        totals,
    )


def _part(rest: str, total: str, reached: str) -> str:
    """SQL of how much of an amount the rows reached so far have, to the cent; all of it where nothing is left to reach."""
    part = f"round({rest}::double * {reached}::double / {total}::double, 2)::decimal(28,4)"
    return f"case when {reached} = {total} then {rest} else least({part}, {rest}) end"


def _merged(layers: Iterable[dict[str, str]]) -> dict[str, str]:
    return {name: sql for layer in layers for name, sql in layer.items()}


def group(column: str, pattern: str, number: int) -> str:
    """SQL of a group of the pattern in a text that fits it in full; else null, as for a group that is empty."""
    part = f"regexp_extract({column}, {literal(f'^(?:{pattern})$')}, {number})"
    return f"case when regexp_full_match({column}, {literal(pattern)}) then {clean(part)} end"


def condition(when: When, reference: Reference) -> str:
    """SQL that is true for the rows `when` picks; never null."""
    tests = []
    for header, verbs in when.items():
        value = f"coalesce({reference(header) or 'null::varchar'}, '')"
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
        return Cast({}, {}, {f"read_{name}": text}, f"read_{name}", "null")
    fitting = f"case when {text} in ({_list(column.accepted)}) then {text} end"
    standard = ", ".join(column.accepted)
    reason = f"not one of the standard values {standard}; translate it with `values`"
    return Cast({}, {}, {f"read_{name}": fitting}, f"read_{name}", literal(reason))


def _boolean(name: str) -> Cast:
    text, lower = f"text_{name}", f"lower(text_{name})"
    read = (
        f"case when {text} = 'false' then false when {text} = 'true' then true "
        f"when {lower} in ({_list(TRUE)}) then true when {lower} in ({_list(FALSE)}) then false end"
    )
    return Cast({}, {}, {f"read_{name}": read}, f"read_{name}", literal("not a yes or a no; translate it with `values`"))


def _number(cell: Cell, column: Column, numbers: Numbers, name: str) -> Cast:
    text, candidate, read = f"text_{name}", f"candidate_{name}", f"read_{name}"
    is_whole = not column.type.startswith("decimal")
    scale = 0 if is_whole else int(column.type.rstrip(")").split(",")[1])
    read_type, read_scale = (column.type, scale) if cell.unit is None else ("decimal(24,8)", 8)

    plain, printed = text, f"{candidate}::varchar"
    if numbers.decimal != ".":
        plain, printed = f"replace({text}, ',', '.')", f"replace({candidate}::varchar, '.', ',')"
    is_same = f"starts_with({printed}, {text})" if read_scale else f"{printed} = {text}"

    groups = [{" ": _SPACE, "'": "['’]"}.get(mark, re.escape(mark)) for mark in numbers.thousands]
    whole = "|".join(["0", *(rf"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+" for group in groups), "[1-9][0-9]*"])
    mark = re.escape(numbers.decimal)
    fraction = rf"{mark}[0-9]{{1,{read_scale}}}0*"
    # Excel's format `0.##` writes 5 as `5.`
    digits = rf"(?:(?:{whole})(?:{fraction}|{mark})?|{fraction})" if read_scale else rf"(?:{whole})"
    symbol = rf"(?:(?:{'|'.join(map(re.escape, numbers.symbols))}){_SPACE}*)?" if numbers.symbols else ""
    amount = f"{symbol}{digits}{_SPACE}*{symbol}"
    number = rf"[−-]?{_SPACE}*{amount}|{symbol}[−-]{digits}|{amount}[−-]|\({amount}\)"

    bare = f"regexp_extract({text}, {literal(digits)})"
    bare = f"replace(regexp_replace({bare}, '[^0-9{numbers.decimal}]', '', 'g'), '{numbers.decimal}', '.')"
    sign = f"case when regexp_matches({text}, '[(−-]') then '-' else '' end"
    fitting = f"case when regexp_full_match({text}, {literal(number)}) then try_cast({sign} || {bare} as {read_type}) end"

    kind = "a whole number" if is_whole else f"a number with at most {scale} decimals and decimal mark {numbers.decimal!r}"
    return Cast(
        texts={},
        candidates={candidate: f"try_cast({plain} as {read_type})"},
        reads={read: f"case when {is_same} then {candidate} when {text} is not null then {fitting} end"},
        value=_scaled(read, cell, column),
        reason=literal(f"not {kind}" + (f" and thousands {' or '.join(map(repr, numbers.thousands))}" if groups else "")),
    )


def _scaled(read: str, cell: Cell, column: Column) -> str:
    """SQL of a number without its sign or in another unit, where that says so; null where it does not come out exactly."""
    value = f"abs({read})" if cell.absolute else read
    if cell.unit is None:
        return value
    product = f"({value} * {cell.unit:f}::decimal(12,6))"
    return f"case when try_cast({product} as {column.type}) = {product} then try_cast({product} as {column.type}) end"


_SPACE = r"[ \x{00a0}\x{202f}\x{2009}]"


def _time(cell: Cell, column: Column, mapping: Terms, name: str, reference: Reference) -> Cast:
    text, candidate, read = f"text_{name}", f"candidate_{name}", f"read_{name}"
    is_iso = "iso" in cell.format
    formats = [form for form in cell.format if form != "iso" and form not in UNIX and "%z" not in form]
    # Many systems write a narrow no-break space before AM and PM.
    spaced = f"translate({text}, '\u202f\u00a0', '  ')" if any("%p" in form for form in formats) else text
    parsed = f"({_strptime(spaced, f'[{_list(formats)}]')})::{column.type}" if formats else f"null::{column.type}"
    if is_iso:
        full = f"regexp_full_match({text}, {literal(ISO[column.type])})"
        fitting = f"coalesce(case when {full} then try_cast({text} as {column.type}) end, {parsed})"
        is_same = f"{candidate}::varchar = {text}" + (f" and {_is_plausible(candidate)}" if column.type != "time" else "")
        parsed = f"try_cast({text} as {column.type})"
        read_sql = f"case when {is_same} then {candidate} when {text} is not null then {_plausible(fitting, column)} end"
    else:
        read_sql = _plausible(candidate, column)
    forms = " or ".join(_EXAMPLES[column.type] if form == "iso" else form for form in cell.format)
    found = Cast({}, {candidate: parsed}, {read: read_sql}, read, literal(f"not a time written as {forms}"))
    if column.type == "time":
        return found

    texts, value = {}, read
    reason = literal(f"not a {column.type} written as {forms}, of a year from {YEARS[0]} to {YEARS[1]}")
    instants = [
        _unix(form, text) if form in UNIX else _instant(form, text) for form in cell.format if form in UNIX or "%z" in form
    ]
    if column.type == "timestamp":
        instants += [_iso_instant(text)] if is_iso else []
        zone = cell.timezone or Zone(name=mapping.timezone)
        if zone.name is not None:
            value = to_utc(read, zone.name, mapping.clock_changes)
            changed = _clock_reason(read, literal(zone.name), mapping.clock_changes)
            reason = f"case when {read} is not null then {changed} else {reason} end"
        else:
            texts = {f"zone_{name}": _zone_text(zone, reference)}
            value = _to_utc(read, f"zone_{name}", mapping.clock_changes)
            unknown = literal(f"its time zone, column {zone.from_!r}, is not one that `timezone: values` lists, nor an IANA name")
            changed = _clock_reason(read, f"zone_{name}", mapping.clock_changes)
            changed = f"case when zone_{name} is null then {unknown} else {changed} end"
            reason = f"case when {read} is not null then {changed} else {reason} end"
    if instants:
        instant = _plausible(f"coalesce({', '.join(instants)})::{column.type}", column)
        # Only where no local time is written: one that the clocks skipped stays refused.
        value = f"case when {read} is not null then {value} else {instant} end"
    return Cast(texts, found.candidates, found.reads, value, reason)


def _zone_text(zone: Zone, reference: Reference) -> str:
    """SQL of a row's time zone, null where it is none."""
    sql = reference(zone.from_ or "") or "null::varchar"
    if zone.values:
        whens = " ".join(f"when {literal(given)} then {literal(meant)}" for given, meant in zone.values.items())
        return f"case {sql} {whens} end"
    return f"case when {sql} in (select name from pg_timezone_names()) then {sql} end"


def _is_plausible(time: str) -> str:
    return f"year({time}) between {YEARS[0]} and {YEARS[1]}"


def _plausible(time: str, column: Column) -> str:
    return time if column.type == "time" else f"case when {_is_plausible(time)} then {time} end"


_EXAMPLES = {"date": "2026-01-31", "timestamp": "2026-01-31 13:45:00", "time": "13:45"}


def _unix(form: str, text: str) -> str:
    digits, microseconds = UNIX[form]
    count = f"regexp_full_match({text}, '[0-9]{{1,{digits}}}')"
    return f"case when {count} then make_timestamp(try_cast({text} as bigint) * {microseconds}) end"


def _strptime(text: str, formats: str) -> str:
    # The engine makes 1900-01-01 of these words, whatever the format.
    return f"case when lower({text}) not in ('epoch', 'infinity', '-infinity') then try_strptime({text}, {formats}) end"


def _instant(format_: str, text: str) -> str:
    zulu = f"regexp_replace({text}, '[zZ]$', '+00:00')"
    return f"timezone('UTC', {_strptime(zulu, literal(format_))})"


def _iso_instant(text: str) -> str:
    zulu = f"regexp_replace({text}, ' ?[zZ]$', '+00')"
    full = f"regexp_full_match({text}, {literal(ISO['timestamp'] + OFFSET)})"
    return f"case when {full} then timezone('UTC', try_cast({zulu} as timestamptz)) end"


def to_utc(local: str, timezone: str, changes: ClockChanges) -> str:
    """SQL that turns a local time into UTC; where clocks showed it twice or never, what `changes` says, null being refused."""
    return local if timezone == "UTC" else _to_utc(local, literal(timezone), changes)


def _to_utc(local: str, zone: str, changes: ClockChanges) -> str:
    instant = f"timezone({zone}, {local})"
    utc = f"timezone('UTC', {instant})"
    if changes.repeated != "second":
        first = f"timezone('UTC', {_earlier(local, zone)})" if changes.repeated == "first" else "null"
        utc = f"case when {_is_repeated(local, zone)} then {first} else {utc} end"
    # Of a time that was skipped the engine makes the one an hour on, as a clock not put forward would have shown it.
    return utc if changes.skipped == "forward" else f"case when timezone({zone}, {instant}) = {local} then {utc} end"


def _earlier(local: str, zone: str) -> str:
    """SQL of the first of two instants with one clock time; null where there is only one."""
    # The engine takes the later of the two. The other is the time by the offset from UTC of hours before.
    later = f"timezone({zone}, {local})"
    before = f"({later} - to_hours({_HOURS_BEFORE}))"
    gone_back = f"(timezone({zone}, {before}) - timezone('UTC', {before})) - ({local} - timezone('UTC', {later}))"
    earlier = f"({later} - ({gone_back}))"
    return f"case when timezone({zone}, {earlier}) = {local} and {earlier} < {later} then {earlier} end"


# More than clocks are ever put back, and less than lies between two changes.
_HOURS_BEFORE = 30


def _is_repeated(local: str, zone: str) -> str:
    # Nearly always clocks stood still, which is quickly seen.
    hours = f"to_hours({_HOURS_BEFORE})"
    is_still = f"timezone({zone}, timezone({zone}, {local}) - {hours}) = {local} - {hours}"
    return f"case when {is_still} then false else ({_earlier(local, zone)}) is not null end"


def _clock_reason(local: str, zone: str, changes: ClockChanges) -> str:
    """SQL of why a local time has no instant."""
    skipped = f"'a local time that does not exist: clocks in ' || {zone} || ' were put forward over it'"
    if changes.repeated != "reject":
        return skipped
    advice = literal(" were put back over it; say which one in `clock_changes: {repeated: first}`")
    repeated = f"'a local time that was twice: clocks in ' || {zone} || {advice}"
    return f"case when {_is_repeated(local, zone)} then {repeated} else {skipped} end"
