"""Condensed marts: a page asks for millions of rows' sums by store, channel and day; here those sums are taken once.

A mart lists in `config.meta.condensed_by` the columns that most questions are asked by. Its rows alike in these become one row of
`condensed.<mart>`, with a column for each of its metrics that can be added up; a manifest of its own holds the same definitions
over these tables, so that whoever compiles a question of them gets the same answer from far fewer rows. What a sum cannot give
(percentiles, most distinct counts) and what was not listed stays with the marts.

Persons cannot be summed up: each counts once in whatever days are asked for. Where `config.meta.numbered` names the column that
is counted, the condensed mart keeps it, with numbers from 0 on in place of keys: then a bit for each is enough to count them
(`dashboard/semantics.py`).
"""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import duckdb

SCHEMA = "condensed"
# How each aggregation is taken; of the outcomes the sum is taken again.
_PARTS = {"sum": "sum({})", "count": "count({})", "sum_boolean": "count(*) filter (where {})"}
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT", "BOOLEAN")
# A person's bit: up to so many persons a group of an answer takes 128 kB.
MOST_NUMBERS = 1 << 20
_NAMED = re.compile(r"(?:Dimension|TimeDimension|Entity)\('(\w+)'")


def condense(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    manifest: Mapping[str, Any],
    condensed_by: Mapping[str, tuple[str, ...]],
    numbered: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Write `condensed.<mart>` in `database` for every mart of `condensed_by`; returns the manifest over them and the others.

    `numbered` names the column of a mart that is kept as numbers. A metric that counts these says in its `config.meta.numbers`
    below what power of two they are, unless they are more than `MOST_NUMBERS`.

    Raises `ValueError` where a mart's columns are not dimensions of it or leave out the day it is counted on.
    """
    condensed = copy.deepcopy(dict(manifest))
    connection.execute(f"create schema {database}.{SCHEMA}")
    models = {model["name"]: model for model in condensed["semantic_models"]}
    lost: set[str] = set()
    for name, model in models.items():
        mart = model["node_relation"]["alias"]
        if mart not in condensed_by:
            continue
        keys, day = condensed_by[mart], model["defaults"]["agg_time_dimension"]
        _narrow(model, keys)
        rows, numbers = f'{database}.marts."{mart}"', 0
        if number := numbered.get(mart):
            rows, numbers = _numbered(connection, rows, number)
            keys = (*keys, number)
        sums: dict[str, str] = {}
        for metric in _simple(condensed, name):
            parameters = metric["type_params"]
            part = _part(connection, rows, model, metric)
            if part:
                sums[metric["name"]] = part
                parameters["expr"] = metric["name"]
                parameters["metric_aggregation_params"]["agg"] = "sum"
            elif not (read := _counted(connection, rows, model, metric)) or not read <= set(keys):
                lost.add(metric["name"])
            elif number in read and 0 < numbers <= MOST_NUMBERS:
                metric["config"] = {"meta": {"numbers": 1 << (numbers - 1).bit_length()}}
        columns = ", ".join([*keys, *(f'{part} as "{metric}"' for metric, part in sums.items())])
        connection.execute(
            f'create table {database}.{SCHEMA}."{mart}" as select {columns} from {rows} '
            f"group by {', '.join(keys)} order by {_column(model, day)}, {', '.join(keys)}"
        )
    condensed["metrics"] = list(_without(condensed["metrics"], lost))
    return condensed


def _numbered(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> tuple[str, int]:
    """SQL of a mart's rows with numbers from 0 on for the values of a column, and how many there are."""
    known = f"select distinct {column} from {table} where {column} is not null"
    connection.execute(
        f"create or replace temp table numbers as select {column}, row_number() over () - 1 as number from ({known})"
    )
    count = connection.sql("select count(*) from numbers").fetchall()[0][0]
    numbers = f"select rows.* replace (numbers.number::uinteger as {column}) from {table} as rows"
    return f"({numbers} left join numbers using ({column}))", count


def _counted(connection: duckdb.DuckDBPyConnection, rows: str, model: Mapping[str, Any], metric: Mapping[str, Any]) -> set[str]:
    """The columns whose distinct values a metric counts; none where it does not, or asks for more than the model still knows."""
    parameters = metric["type_params"]
    if parameters["metric_aggregation_params"]["agg"] != "count_distinct" or not _is_asked_alike(model, metric):
        return set()
    return set(connection.sql(f"from {rows} limit 0").columns) & set(re.findall(r"\w+", parameters["expr"]))


def _narrow(model: dict[str, Any], keys: Iterable[str]) -> None:
    """Make a model read the condensed mart: what is not among the keys is no longer there, its rows have no key of their own."""
    mart, wanted = model["node_relation"]["alias"], set(keys)
    parts = [*model["dimensions"], *(entity for entity in model["entities"] if entity["type"] == "foreign")]
    unknown = wanted - {part.get("expr") or part["name"] for part in parts}
    if unknown:
        raise ValueError(
            f"{mart}: condensed_by names {', '.join(sorted(unknown))}, which is no dimension or foreign entity of it"
        )
    day = model["defaults"]["agg_time_dimension"]
    if _column(model, day) not in wanted:
        raise ValueError(f"{mart}: condensed_by lacks {day}, the day its metrics are counted on")
    primary = next(entity["name"] for entity in model["entities"] if entity["type"] == "primary")
    relation = model["node_relation"]
    relation |= {"schema_name": SCHEMA, "relation_name": f'"{relation["database"]}"."{SCHEMA}"."{mart}"'}
    model["primary_entity"] = primary
    for kind in ("dimensions", "entities"):
        kept = [part for part in model[kind] if (part.get("expr") or part["name"]) in wanted and part["name"] != primary]
        model[kind] = kept


def _column(model: Mapping[str, Any], dimension: str) -> str:
    return next((one.get("expr") or one["name"] for one in model["dimensions"] if one["name"] == dimension), "")


def _simple(manifest: Mapping[str, Any], model: str) -> Iterator[dict[str, Any]]:
    """The metrics computed from a model's own rows."""
    for metric in manifest["metrics"]:
        aggregation = metric["type_params"].get("metric_aggregation_params")
        if aggregation and aggregation["semantic_model"] == model:
            yield metric


def _part(connection: duckdb.DuckDBPyConnection, table: str, model: Mapping[str, Any], metric: Mapping[str, Any]) -> str | None:
    """SQL of a metric's part in one condensed row, of which the sum gives the metric exactly; none where no sum does."""
    aggregation, expression = metric["type_params"]["metric_aggregation_params"], metric["type_params"]["expr"]
    if aggregation["agg"] not in _PARTS or not _is_asked_alike(model, metric):
        return None
    part = _PARTS[aggregation["agg"]].format(expression)
    if aggregation["agg"] != "sum":
        return part
    kind = connection.sql(f"select {expression} from {table} limit 0").types[0]
    if str(kind) in _WHOLE:
        return f"cast({part} as bigint)"
    if kind.id == "decimal":
        # As wide as the quickest decimals, or as the column where that is wider.
        (_, digits), (_, places) = kind.children
        return f"cast({part} as decimal({max(int(str(digits)), 18)}, {places}))"
    return part


def _is_asked_alike(model: Mapping[str, Any], metric: Mapping[str, Any]) -> bool:
    """Whether the model still has all that a metric is filtered by, taken over and counted on."""
    aggregation = metric["type_params"]["metric_aggregation_params"]
    here = {part["name"] for kind in ("dimensions", "entities") for part in model[kind]}
    filters = (metric.get("filter") or {}).get("where_filters", [])
    named = {name for one in filters for name in _NAMED.findall(one["where_sql_template"])}
    windows = (aggregation["non_additive_dimension"] or {}).get("window_groupings", [])
    asked = {name.removeprefix(model["primary_entity"] + "__") for name in named}
    return asked | set(windows) | {aggregation["agg_time_dimension"]} <= here


def _without(metrics: Iterable[dict[str, Any]], lost: set[str]) -> Iterator[dict[str, Any]]:
    """The metrics that need none of those lost."""
    by_name = {metric["name"]: metric for metric in metrics}

    def needs_lost(name: str) -> bool:
        parameters = by_name[name]["type_params"]
        inputs = [parameters.get("numerator"), parameters.get("denominator"), *(parameters.get("metrics") or [])]
        return name in lost or any(needs_lost(one["name"]) for one in inputs if one)

    yield from (metric for name, metric in by_name.items() if not needs_lost(name))
