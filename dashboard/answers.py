"""Answers as text: a table, CSV or JSON of an answer, and the explanation behind a number."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from dashboard import formats
from dashboard.builds import Build
from dashboard.catalogue import Mart, Metric, definitions, leaves_of, mart, marts_of
from dashboard.metrics import BEFORE, SAMPLE, TARGET, Answer, Question, compiled, largest

ROWS_SHOWN = 5


def render(build: Build, answer: Answer, form: str, locale: str = "en") -> str:
    """The answer as a `table` for people, or as `csv` or `json` for programs.

    CSV and JSON hold `metric_time`, the dimensions as asked, the metrics: plain numbers with a point and all their
    digits, nothing for null, ISO days.
    """
    if form == "csv":
        return _csv(answer)
    if form == "json":
        return _json(answer)
    return _table(build, answer, locale)


def explain(build: Build, question: Question, locale: str = "en") -> str:
    """Definition, compiled SQL, lineage, and some source rows of every metric of a question."""
    sql, parameters = compiled(build, question)
    known = definitions(build)
    parts = [_definition(known, known[name], locale) for name in question.metrics]
    parts.append(_section("SQL", f"{sql}\n{_parameters(parameters)}"))
    marts = {mart.name: mart for name in question.metrics for mart in marts_of(build, name)}
    parts.append(_section("Lineage", "\n".join(_lineage(build, marts))))
    leaves = dict.fromkeys(leaf for name in question.metrics for leaf in leaves_of(build, name))
    parts += [_section(f"Source rows of {leaf}", _source_rows(build, question, known[leaf])) for leaf in leaves]
    return "\n".join(parts)


def _fields(answer: Answer) -> pl.DataFrame:
    """The columns of an export, in order."""
    question = answer.question
    time = ["metric_time"] if question.grain else []
    return answer.frame.select(*time, *question.by, *question.metrics)


def _csv(answer: Answer) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    fields = _fields(answer)
    writer.writerow(fields.columns)
    writer.writerows([_plain(value) for value in row] for row in fields.iter_rows())
    return text.getvalue()


def _json(answer: Answer) -> str:
    fields = _fields(answer)
    names = [json.dumps(name) for name in fields.columns]
    rows = [", ".join(f"{name}: {_token(value)}" for name, value in zip(names, row, strict=True)) for row in fields.iter_rows()]
    return "[" + ",".join(f"\n  {{{row}}}" for row in rows) + "\n]\n"


def _plain(value: Any) -> str:
    """A value as text: a number without exponent or trailing zeros."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return f"{Decimal(repr(value) if isinstance(value, float) else value).normalize():f}"
    return str(value)


def _token(value: Any) -> str:
    """A value in JSON; numbers keep all their digits, which `json` would round through floats."""
    if value is None:
        return "null"
    return _plain(value) if isinstance(value, bool | int | float | Decimal) else json.dumps(str(value), ensure_ascii=False)


def _table(build: Build, answer: Answer, locale: str) -> str:
    known = definitions(build)
    currency = build.info.get("currency", "EUR")
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in answer.frame.columns:
        table.add_column(_heading(column), justify="right" if _metric_of(known, column) else "left")
    for row in answer.frame.iter_rows(named=True):
        table.add_row(*(_cell(_metric_of(known, column), column, row[column], locale, currency) for column in row))
    return _printed(table)


def _metric_of(known: Mapping[str, Metric], column: str) -> Metric | None:
    """The metric a column of an answer holds, or is the sample, comparison or target of."""
    return known.get(column.partition("__")[0])


def _heading(column: str) -> str:
    """`sales__before` reads `sales, before`."""
    name, _, role = column.partition("__")
    return f"{name}, {role}" if f"__{role}" in (SAMPLE, BEFORE, TARGET) else column


def _cell(metric: Metric | None, column: str, value: Any, locale: str, currency: str) -> str:
    if metric is None:
        return _plain(value)
    return formats.value(value, "count" if column.endswith(SAMPLE) else metric.format, locale, currency)


def _printed(table: Table) -> str:
    """A table as plain text, as wide as it needs."""
    text = io.StringIO()
    console = Console(file=text, width=10_000, color_system=None)
    console.print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _section(title: str, text: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{text.rstrip()}\n"


def _definition(known: Mapping[str, Metric], metric: Metric, locale: str) -> str:
    """What a metric means, and the formulas of everything it is computed from."""
    french = locale == "fr"
    facts = [
        metric.description_fr if french else metric.description,
        f"{metric.name} = {metric.formula}",
        *_inner_formulas(known, metric),
        f"Sliced by: {', '.join(metric.dimensions)}" if metric.dimensions else "",
        f"Needs: {', '.join(metric.needs)}" if metric.needs else "",
        f"Needs one of: {', '.join(metric.needs_one_of)}" if metric.needs_one_of else "",
        f"Owner: {metric.owner}" if metric.owner else "",
    ]
    return _section(f"{metric.label_fr if french else metric.label} ({metric.name})", "\n".join(filter(None, facts)))


def _inner_formulas(known: Mapping[str, Metric], metric: Metric, depth: int = 1) -> list[str]:
    lines = []
    for name in dict.fromkeys(metric.inputs):
        lines.append(f"{'  ' * depth}{name} = {known[name].formula}")
        lines += _inner_formulas(known, known[name], depth + 1)
    return lines


def _parameters(parameters: Mapping[str, Any]) -> str:
    return "\n".join(f"-- ${name} = {value}" for name, value in parameters.items())


def _lineage(build: Build, names: Iterable[str]) -> list[str]:
    """The marts and all they are computed from, down to the raw entities, indented; what is shown above is not unfolded again."""
    parents = build.info.get("lineage", {})
    lines: list[str] = []
    unfolded: set[str] = set()

    def unfold(name: str, depth: int) -> None:
        is_repeated = name in unfolded and parents.get(name)
        lines.append("  " * depth + name + (" (above)" if is_repeated else ""))
        if not is_repeated:
            unfolded.add(name)
            for parent in parents.get(name, []):
                unfold(parent, depth + 1)

    for name in names:
        unfold(name, 0)
    return lines


def _source_rows(build: Build, question: Question, metric: Metric) -> str:
    """The rows of the mart that weigh most in a simple metric under the question's filters, with the file they came from."""
    home = mart(build, metric.mart) if metric.mart else None
    if not home or not home.entity or not home.key:
        return "none to show: the mart has no key of its own"
    behind = Question((metric.name,), (home.entity,), None, question.since, question.until, question.where)
    top, total = largest(build, behind, ROWS_SHOWN)
    if not total:
        return "none: no row counts under these filters"
    origins = _origins(build, home, [str(key) for key in top[home.entity]])
    named = top.with_columns(pl.col(home.entity).cast(pl.String))
    joined = named.join(origins, on=home.entity, how="left", maintain_order="left")
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in joined.columns:
        table.add_column(name)
    for row in joined.iter_rows():
        table.add_row(*map(_plain, row))
    return f"{total} rows of {home.name}; the largest:\n{_printed(table)}"


def _origins(build: Build, home: Mart, keys: list[str]) -> pl.DataFrame:
    """Order number, file and line of rows of a mart, as far as it keeps them."""
    columns = set(build.sql(f"select * from {home.relation} limit 0").columns)
    shown = [f"mart.{name}" for name in ("order_number", "source_system", "_line") if name in columns]
    has_file = "_file_id" in columns
    files = "left join ledger.files as files on mart._file_id = files.file_id" if has_file else ""
    shown += ["files.file_name"] if has_file else []
    return build.sql(
        f"""
        select {", ".join([f"cast(mart.{home.key} as varchar) as {home.entity}", *shown])}
        from {home.relation} as mart {files}
        where cast(mart.{home.key} as varchar) in (select unnest($keys))
        """,
        {"keys": keys},
    )
