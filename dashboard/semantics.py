"""MetricFlow in process: what a build's metrics can be sliced by, and the SQL of a question.

The only module that knows MetricFlow. No dbt, no profile and no connection is needed: MetricFlow asks a client for its
engine's name and renderer, and the compiled SQL runs on the build.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any, Literal

import duckdb
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantic_interfaces.references import MetricReference
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.linkable_element_property import GroupByItemProperty
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from metricflow_semantics.model.semantics.linkable_element import LinkableElementType

from dashboard.builds import Build
from dashboard.shapes import Shapes

# Finest first; the retailer's own calendar adds more through the time spine.
STANDARD_GRAINS = ("day", "week", "month", "quarter", "year")

SHAPES_KEPT = 4096
DEFINITIONS_KEPT = 8
_TRUNCATED_DAY = re.compile(r"DATE_TRUNC\('day', ([\w.\"]+)\)")
_DISTINCT = re.compile(r"COUNT\(DISTINCT (.+?)\) AS (\w+)")

_KINDS: dict[LinkableElementType, Literal["entity", "dimension", "time"]] = {
    LinkableElementType.ENTITY: "entity",
    LinkableElementType.DIMENSION: "dimension",
    LinkableElementType.TIME_DIMENSION: "time",
}


@dataclass(frozen=True)
class Item:
    """One thing metrics can be sliced by: `location__region` is reached over `path` ("location",), its `element` is region."""

    kind: Literal["entity", "dimension", "time"]
    element: str
    path: tuple[str, ...]
    model: str
    grain: str | None = None

    @property
    def name(self) -> str:
        """The qualified name."""
        return "__".join((*self.path, self.element))

    @property
    def is_near(self) -> bool:
        """Whether it is the mart's own, or described by one of its entities; a short name reaches no further.

        The location of a session's customer is a location too, but not where the session took place.
        """
        return len(self.path) <= (0 if self.kind == "entity" else 1)

    @property
    def column(self) -> str:
        """What a question groups by, and the column of the compiled SQL."""
        return f"{self.name}__{self.grain}" if self.grain else self.name

    @property
    def reference(self) -> str:
        """The item in a filter."""
        # A filter's dimension takes one entity in its name and those before it as a path.
        last = "__".join((*self.path[-1:], self.element))
        path = list(self.path[:-1])
        if self.kind == "time":
            return f"{{{{ TimeDimension('{last}', '{self.grain}', entity_path={path}) }}}}"
        return f"{{{{ {self.kind.title()}('{last}', entity_path={path}) }}}}"


@dataclass(frozen=True)
class Available:
    """What a set of metrics can be asked by, all of them together."""

    items: tuple[Item, ...]
    grains: tuple[str, ...]

    def resolve(self, name: str) -> tuple[Item, ...]:
        """The items a name can mean: one when it is clear, several when it is not, none when there is no such thing.

        A qualified name means itself. A short one (`region`) means the near item of that name, and an entity before a
        dimension.
        """
        exact = tuple(item for item in self.items if item.name == name)
        near = [item for item in self.items if item.is_near and name in (item.element, item.name.replace("__", "_"))]
        fewest = min((len(item.path) for item in near), default=0)
        return exact or tuple(item for item in near if len(item.path) == fewest)

    @cached_property
    def short_names(self) -> dict[str, Item]:
        """Every near item by the shortest name that means it."""
        return {item.element if self.resolve(item.element) == (item,) else item.name: item for item in self.items if item.is_near}


class _Client:
    """All that MetricFlow asks of a connection when it only compiles."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


class Semantics:
    """The definitions of one semantic manifest, ready to compile; safe from any thread.

    `condensed` holds the same over condensed marts: the metrics that these can answer are compiled of them.
    """

    def __init__(self, text: str, shapes: Shapes, condensed: "Semantics | None" = None) -> None:
        self.manifest: dict[str, Any] = json.loads(text)
        self._lookup = SemanticManifestLookup(parse_manifest_from_dbt_generated_manifest(text))
        self._engine = MetricFlowEngine(self._lookup, _Client())  # type: ignore[arg-type]
        self._condensed = condensed
        self._lock = Lock()
        self._available: dict[tuple[str, ...], Available] = {}
        self._sql: dict[tuple[Any, ...], str] = {}
        self.shapes = shapes

    @cached_property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """Every metric's definition by name, as dbt wrote it."""
        return {metric["name"]: metric for metric in self.manifest["metrics"]}

    @cached_property
    def models(self) -> dict[str, dict[str, Any]]:
        """Every semantic model by name: the marts, their entities and dimensions."""
        return {model["name"]: model for model in self.manifest["semantic_models"]}

    @cached_property
    def calendar(self) -> tuple[str, str, dict[str, str]]:
        """The table of days, its day column, and the column that holds the first day of each period of its own grains."""
        spine = self.manifest["project_configuration"]["time_spines"][0]
        customs = {custom["name"]: custom.get("column_name") or custom["name"] for custom in spine["custom_granularities"]}
        return spine["node_relation"]["relation_name"], spine["primary_column"]["name"], customs

    @property
    def grains(self) -> tuple[str, ...]:
        """Every grain a question may have."""
        return (*STANDARD_GRAINS, *self.calendar[2])

    def available(self, metrics: Iterable[str]) -> Available:
        """What all these metrics can be sliced by, and the grains they are known at."""
        key = tuple(sorted(set(metrics)))
        with self._lock:
            if key not in self._available:
                self._available[key] = self._common(key)
            return self._available[key]

    def compile(self, metrics: tuple[str, ...], by: tuple[str, ...], where: tuple[str, ...], items: tuple[Item, ...]) -> str:
        """The SQL of a shape of question; parameters in `where` pass through as `$name`. Each shape is compiled once.

        `items` are all that it groups and filters by, but for the time of its metrics.
        """
        key = (metrics, by, where)
        with self._lock:
            if key not in self._sql:
                if len(self._sql) >= SHAPES_KEPT:
                    del self._sql[next(iter(self._sql))]
                self._sql[key] = self.shapes.get(key) or self.shapes.keep(key, self._compiled(metrics, by, where, items))
            return self._sql[key]

    def _answers(self, metrics: tuple[str, ...], items: tuple[Item, ...]) -> bool:
        """Whether these definitions know all the items for the metrics."""
        return {item.column for item in items} <= {item.column for item in self.available(metrics).items}

    def _compiled(self, metrics: tuple[str, ...], by: tuple[str, ...], where: tuple[str, ...], items: tuple[Item, ...]) -> str:
        known = tuple(name for name in metrics if self._condensed and name in self._condensed.metrics)
        if self._condensed and known and self._condensed._answers(known, items):
            condensed = self._condensed._compiled(known, by, where, items)
            rest = tuple(name for name in metrics if name not in known)
            return _side_by_side(condensed, self._from_marts(rest, by, where), by) if rest else condensed
        return self._from_marts(metrics, by, where)

    def _from_marts(self, metrics: tuple[str, ...], by: tuple[str, ...], where: tuple[str, ...]) -> str:
        request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=by or None, where_constraints=where or None)
        sql = self._plain_days(self._quoted(self._engine.explain(request).sql_statement.sql))
        # Bits take memory by the group: days and stores together would be too many.
        return self._by_bits(sql) if len(by) <= 1 else sql

    def _plain_days(self, sql: str) -> str:
        """The SQL with days as the columns they are, so that the database can skip what lies outside the period.

        Every time dimension of a mart is a date, as contracts and a test hold; MetricFlow truncates it all the same.
        """
        return _TRUNCATED_DAY.sub(r"\1", sql)

    def _by_bits(self, sql: str) -> str:
        """The SQL with numbered persons counted by a bit for each, which takes a third of the time."""

        def count(found: re.Match[str]) -> str:
            person, metric = found.groups()
            numbers = ((self.metrics[metric].get("config") or {}).get("meta") or {}).get("numbers")
            return f"coalesce(bit_count(bitstring_agg({person}, 0, {numbers - 1})), 0) AS {metric}" if numbers else found[0]

        return _DISTINCT.sub(count, sql)

    def _quoted(self, sql: str) -> str:
        """The SQL with names such as `order`, which MetricFlow leaves bare and the database reserves, in quotes."""
        if not self._reserved:
            return sql
        bare = rf"(?<![\w\"'$])({'|'.join(self._reserved)})(?![\w\"'])(?!\s+by\b)"
        return re.sub(bare, r'"\1"', sql)

    @cached_property
    def _reserved(self) -> list[str]:
        rows = (
            duckdb.connect().execute("select keyword_name from duckdb_keywords() where keyword_category = 'reserved'").fetchall()
        )
        entities = {entity["name"] for model in self.models.values() for entity in model["entities"]}
        return sorted(entities & {keyword for (keyword,) in rows})

    def _common(self, metrics: tuple[str, ...]) -> Available:
        references = tuple(MetricReference(name) for name in metrics)
        items, grains = [], set()
        for spec in self._lookup.metric_lookup.get_common_group_by_items(references).annotated_specs:
            kind = _KINDS.get(spec.element_type)
            properties = spec.element_properties
            if kind is None or spec.date_part or GroupByItemProperty.METRIC in properties:
                continue
            grain = spec.time_grain.name if spec.time_grain else None
            if GroupByItemProperty.METRIC_TIME in properties:
                grains.add(grain)
            elif GroupByItemProperty.DERIVED_TIME_GRANULARITY not in properties:
                origin = min(spec.origin_semantic_model_names)
                items.append(Item(kind, spec.element_name, spec.entity_link_names, origin, grain))
        return Available(
            items=tuple(sorted(items, key=lambda item: (len(item.path), item.name))),
            grains=tuple(grain for grain in self.grains if grain in grains),
        )


def _side_by_side(left: str, right: str, by: tuple[str, ...]) -> str:
    """The SQL of two sets of metrics grouped alike."""
    keys = ", ".join(f'"{column}"' for column in by)
    joined = f"full join (\n{right}\n) using ({keys})" if by else f"cross join (\n{right}\n)"
    return f"select *\nfrom (\n{left}\n) {joined}"


@lru_cache(maxsize=64)
def semantics(build: Build) -> Semantics:
    """The definitions of a build; builds of the same definitions share them, compiled SQL included."""
    texts = (build.semantic_manifest, build.condensed_manifest)
    with _starting:
        if texts not in _started:
            if len(_started) == DEFINITIONS_KEPT:
                del _started[next(iter(_started))]
            shapes = Shapes(build.path.parent.parent, "".join(text or "" for text in texts))
            condensed = Semantics(texts[1], shapes) if texts[1] else None
            _started[texts] = Semantics(texts[0], shapes, condensed)
        return _started[texts]


_starting = Lock()
_started: dict[tuple[str, str | None], Semantics] = {}
