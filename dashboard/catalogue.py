"""The catalogue: what each metric means, how it reads, and what it can be sliced by, from the metrics themselves."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dashboard import formats
from dashboard.builds import Build
from dashboard.semantics import Item, semantics

_OPERATORS = {"/": "÷", "*": "×", "-": "−"}
_COUNTS = ("count", "count_distinct", "sum_boolean")
# Booleans are named so; metrics are filtered by them, people rarely.
_FLAGS = ("is_", "has_")
_AGGREGATIONS = {
    "count": "count",
    "count_distinct": "distinct count",
    "sum": "sum",
    "sum_boolean": "count where",
    "average": "mean",
    "min": "smallest",
    "max": "largest",
    "median": "median",
}


@dataclass(frozen=True)
class Metric:
    """One metric as people read it; `sample`, `ttc` and `inputs` name metrics, `needs` and `needs_one_of` entities.

    `quotient` is a ratio's numerator and denominator when it is nothing more: no condition of its own, no shift in time.
    """

    name: str
    label: str
    label_fr: str
    description: str
    description_fr: str
    format: str
    better: str
    topic: str
    headline: int | None
    owner: str
    needs: tuple[str, ...]
    needs_one_of: tuple[str, ...]
    ttc: str | None
    sample: str | None
    censored_days: int
    kind: str
    formula: str
    dimensions: tuple[str, ...]
    inputs: tuple[str, ...]
    quotient: tuple[str, str] | None
    mart: str | None
    is_additive: bool
    is_hidden: bool


@dataclass(frozen=True)
class Dimension:
    """Something metrics can be sliced by; one short name may mean an item of several marts (`reason`)."""

    name: str
    label: str
    label_fr: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Mart:
    """A mart as the semantic models know it: its relation, and the column of its primary entity when it has one."""

    name: str
    relation: str
    entity: str | None
    key: str | None


def catalogue(build: Build) -> dict[str, Metric]:
    """Every metric people ask for, by name; the helpers behind them are left out."""
    return {name: metric for name, metric in definitions(build).items() if not metric.is_hidden}


@lru_cache(maxsize=64)
def definitions(build: Build) -> Mapping[str, Metric]:
    """Every metric by name, helpers included."""
    known = semantics(build).metrics
    return {name: _metric(build, known, definition) for name, definition in known.items()}


@lru_cache(maxsize=64)
def dimensions(build: Build) -> Mapping[str, Dimension]:
    """Everything the catalogue's metrics can be sliced by, by the name to ask for, sorted.

    Left out, though a question may ask by them: days (that is the grain), keys of marts that metrics count (orders,
    sessions: one slice a row), flags, what only names the values of another (see `value_labels`), and what `meta.hidden`
    hides.
    """
    known = semantics(build)
    items: dict[str, dict[str, Item]] = {}
    for metric in catalogue(build).values():
        slices = known.available(_asked(metric.name, metric.sample)).short_names
        for name in metric.dimensions:
            items.setdefault(name, {})[slices[name].name] = slices[name]
    return {name: _dimension(build, name, tuple(items[name].values())) for name in sorted(items)}


@lru_cache(maxsize=256)
def values(build: Build, dimension: str) -> tuple[str, ...]:
    """The distinct values of a dimension, sorted; of every mart that has a dimension of that name."""
    if dimension not in dimensions(build):
        raise KeyError(f"there is no dimension {dimension!r}; there are {', '.join(dimensions(build))}")
    selects = [
        f"select cast({column} as varchar) as value from {relation}"
        for relation, column in dict.fromkeys(_column(build, item) for item in dimensions(build)[dimension].items)
    ]
    query = f"select distinct value from ({' union all '.join(selects)}) where value is not null order by value"
    return tuple(build.sql(query)["value"])


@lru_cache(maxsize=256)
def value_labels(build: Build, dimension: str, language: str = "en") -> Mapping[str, str]:
    """What the values of a conformed dimension are called: a location's name for its id; empty where nothing names them.

    The names are the dimension mart's `label`, `name` or `<entity>_name`, each with `_<language>` first.
    """
    item = next((item for item in dimensions(build)[dimension].items if item.kind == "entity"), None)
    home = item and _home(build, item.element)
    if not item or not home:
        return {}
    declared = [part["name"] for part in semantics(build).models[home]["dimensions"]]
    named = [name for stem in _namings(item.element) for name in (f"{stem}_{language}", stem)]
    naming = next((name for name in named if name in declared), None)
    if not naming:
        return {}
    relation, key = _column(build, item)
    _, label = _column(build, Item("dimension", naming, (item.element,), home))
    rows = build.sql(f"select distinct cast({key} as varchar) as value, cast({label} as varchar) as label from {relation}")
    return dict(rows.iter_rows())


def with_vat(metrics: Mapping[str, Metric], names: Iterable[str], vat: str) -> tuple[str, ...]:
    """The names with each replaced by its including-VAT sibling when `vat` is "ttc" and it has one; "ht" changes nothing."""
    return tuple((metrics[name].ttc if vat == "ttc" and name in metrics else None) or name for name in names)


def marts_of(build: Build, metric: str) -> tuple[Mart, ...]:
    """The marts a metric is computed from, each once."""
    leaves = dict.fromkeys(definitions(build)[leaf].mart for leaf in leaves_of(build, metric))
    return tuple(mart(build, name) for name in leaves if name)


def leaves_of(build: Build, metric: str) -> tuple[str, ...]:
    """The simple metrics a metric is computed from, itself when it is one, each once."""
    return tuple(dict.fromkeys(_leaves(definitions(build), metric)))


def mart(build: Build, name: str) -> Mart:
    """A mart by the name of its semantic model."""
    model = semantics(build).models[name]
    primary = next((entity for entity in model["entities"] if entity["type"] in ("primary", "unique")), None)
    return Mart(
        name,
        model["node_relation"]["relation_name"],
        primary["name"] if primary else None,
        (primary["expr"] or primary["name"]) if primary else None,
    )


def _leaves(known: Mapping[str, Metric], name: str) -> Iterator[str]:
    if not known[name].inputs:
        yield name
    for inner in known[name].inputs:
        yield from _leaves(known, inner)


def _metric(build: Build, known: dict[str, dict[str, Any]], definition: dict[str, Any]) -> Metric:
    name = definition["name"]
    meta = _meta(definition)
    # dbt gives a metric without a label its name.
    label = words(name) if definition.get("label") in (None, "", name) else definition["label"]
    sample = meta.get("sample") or _sample(known, definition)
    # Nobody slices a helper by itself, and finding out takes milliseconds each.
    slices = {} if meta.get("hidden") else semantics(build).available(_asked(name, sample)).short_names
    aggregation = definition["type_params"].get("metric_aggregation_params") or {}
    description = definition.get("description") or ""
    parameters = build.info.get("vars") or {}
    return Metric(
        name=name,
        label=label,
        label_fr=meta.get("label_fr") or label,
        description=_settled(description, parameters, "en"),
        description_fr=_settled(meta.get("description_fr") or description, parameters, "fr"),
        format=meta.get("format") or "decimal",
        better=meta.get("better") or "neutral",
        topic=meta.get("topic") or "",
        headline=meta.get("headline"),
        owner=meta.get("owner") or "",
        needs=tuple(meta.get("needs") or ()),
        needs_one_of=tuple(meta.get("needs_one_of") or ()),
        ttc=meta.get("ttc"),
        sample=sample,
        censored_days=int(meta.get("censored_days") or 0),
        kind=definition["type"],
        formula=_formula(definition),
        dimensions=tuple(sorted(short for short, item in slices.items() if _is_listed(build, item))),
        inputs=tuple(part["name"] for part in _inputs(definition)),
        quotient=_quotient(definition),
        mart=aggregation.get("semantic_model"),
        is_additive=_is_additive(known, definition),
        is_hidden=bool(meta.get("hidden")),
    )


def _is_additive(known: dict[str, dict[str, Any]], definition: dict[str, Any]) -> bool:
    """Whether parts of a period, and slices, add up to the whole: sums, counts, and what is derived from such by + and −."""
    parameters = definition["type_params"]
    if definition["type"] == "derived":
        terms = re.sub(r"coalesce\((\w+), 0\)", r"\1", parameters["expr"])
        is_sum = re.fullmatch(r"[a-z]\w*( [+-] [a-z]\w*)*", terms)
        return bool(is_sum) and all(_is_additive(known, known[part["name"]]) for part in _inputs(definition))
    aggregation = parameters.get("metric_aggregation_params") or {}
    return aggregation.get("agg") in ("sum", "count", "sum_boolean") and not aggregation.get("non_additive_dimension")


def _settled(text: str, parameters: Mapping[str, Any], language: str) -> str:
    """A description with the parameters it names as the build was made: “within `web_to_store_days` days”, “within 7 days”.

    What no parameter or a list of values is called stays as it is written.
    """

    def setting(named: re.Match[str]) -> str:
        value = parameters.get(named[1])
        if isinstance(value, str):
            return value
        return formats.decimal(value, language) if isinstance(value, int | float) else named[0]

    return re.sub(r"`(\w+)`", setting, text)


def _asked(name: str, sample: str | None) -> tuple[str, ...]:
    """The metrics a question about one metric is compiled from: itself and what counts its sample."""
    return (name, sample) if sample else (name,)


def _meta(part: Mapping[str, Any]) -> dict[str, Any]:
    return (part.get("config") or {}).get("meta") or {}


def _inputs(definition: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics a metric is computed from, as the manifest names them."""
    parameters = definition["type_params"]
    conversion = parameters.get("conversion_type_params") or {}
    cumulative = parameters.get("cumulative_type_params") or {}
    inputs = [
        parameters.get("numerator"),
        parameters.get("denominator"),
        conversion.get("conversion_metric"),
        conversion.get("base_metric"),
        cumulative.get("metric"),
        *(parameters.get("metrics") or []),
    ]
    return [part for part in inputs if part]


def _quotient(definition: dict[str, Any]) -> tuple[str, str] | None:
    if definition["type"] != "ratio" or definition.get("filter"):
        return None
    above, below = _inputs(definition)
    is_plain = not any(value for part in (above, below) for key, value in part.items() if key != "name")
    return (above["name"], below["name"]) if is_plain else None


def _sample(known: dict[str, dict[str, Any]], definition: dict[str, Any]) -> str | None:
    """The metric that counts what a rate was taken over: its denominator, when that counts and is not filtered further."""
    parameters = definition["type_params"]
    base = parameters.get("denominator") or (parameters.get("conversion_type_params") or {}).get("base_metric")
    if not base or base.get("filter") or definition.get("filter"):
        return None
    counted = known[base["name"]]
    aggregation = counted["type_params"].get("metric_aggregation_params") or {}
    expression = str(counted["type_params"].get("expr") or "")
    adds_counts = aggregation.get("agg") == "sum" and (expression.isdigit() or expression.endswith("_count"))
    is_count = aggregation.get("agg") in _COUNTS or adds_counts or _meta(counted).get("format") == "count"
    return base["name"] if is_count else None


def _formula(definition: dict[str, Any]) -> str:
    """How a metric is computed, in words a reader can follow: `sales ÷ orders`, `sum of net_sales in orders where is_valid`."""
    parameters = definition["type_params"]
    inputs = [_named(part) for part in _inputs(definition)]
    if definition["type"] == "ratio":
        text = " ÷ ".join(inputs)
    elif definition["type"] == "derived":
        text = _expression(parameters)
    elif definition["type"] == "conversion":
        window = (parameters["conversion_type_params"].get("window")) or {}
        within = f", within {window['count']} {window['granularity']}s" if window else ""
        text = " ÷ ".join(inputs) + within
    elif definition["type"] == "cumulative":
        text = f"{inputs[0]}, cumulated"
    else:
        text = _aggregation(parameters)
    return text + _condition(definition.get("filter"))


def _aggregation(parameters: dict[str, Any]) -> str:
    aggregation = parameters["metric_aggregation_params"]
    kind = aggregation["agg"]
    name = _AGGREGATIONS.get(kind, kind)
    if kind == "percentile":
        share = float(aggregation["agg_params"]["percentile"])
        name = "median" if share == 0.5 else f"{share * 100:g}th percentile"
    expression = " ".join(str(parameters["expr"]).split())
    last = aggregation.get("non_additive_dimension")
    window = {"min": "first", "max": "last"}.get((last or {}).get("window_choice", ""), "last")
    return f"{name} of {expression} in {aggregation['semantic_model']}" + (f", on the {window} {last['name']}" if last else "")


def _named(part: dict[str, Any]) -> str:
    offset = part.get("offset_window")
    back = f" {offset['count']} {offset['granularity']}s before" if offset else ""
    return f"{part['name']}{back}{_condition(part.get('filter'))}"


def _expression(parameters: dict[str, Any]) -> str:
    """A derived metric's expression with the metrics' own names and readable operators."""
    names = {(part.get("alias") or part["name"]): _named(part) for part in parameters["metrics"]}
    tokens: list[str] = re.findall(r"[\w.]+|\S", parameters["expr"])
    text = " ".join(names.get(token, _OPERATORS.get(token, token)) for token in tokens)
    return re.sub(r"(?<=\() | (?=[),.])|(?<=\w) (?=\()", "", text)


def _condition(condition: dict[str, Any] | None) -> str:
    """A filter in words: `{{ Dimension('order__is_valid') }}` reads `is_valid`."""
    if not condition:
        return ""
    templates = [part["where_sql_template"] for part in condition["where_filters"]]
    plain = [re.sub(r"\{\{\s*\w+\(\s*['\"](?:\w+__)?(\w+?)['\"].*?\}\}", r"\1", text) for text in templates]
    return " where " + " and ".join(" ".join(text.split()) for text in plain)


def words(name: str) -> str:
    """A name as words: `customer_segment` → `Customer segment`."""
    return name.replace("__", " ").replace("_", " ").capitalize()


def _namings(entity: str) -> tuple[str, ...]:
    """What a dimension that names an entity's values is called; a language may follow."""
    return ("label", "name", f"{entity}_name")


def _is_listed(build: Build, item: Item) -> bool:
    if item.kind == "time" or _meta(_declaration(build, item)).get("hidden"):
        return False
    if item.element.startswith(_FLAGS):
        return False
    if item.kind == "dimension" and re.sub(r"_[a-z]{2}$", "", item.element) in _namings(item.path[-1]):
        return False
    return item.kind != "entity" or _home(build, item.element) in _plain_models(build)


@lru_cache(maxsize=64)
def _plain_models(build: Build) -> frozenset[str]:
    """Semantic models no metric is computed from: the dimension marts."""
    known = semantics(build)
    parameters = [metric["type_params"].get("metric_aggregation_params") or {} for metric in known.metrics.values()]
    return frozenset(known.models) - {part.get("semantic_model") for part in parameters}


def _home(build: Build, entity: str) -> str | None:
    """The semantic model an entity is the primary key of."""
    for name, model in semantics(build).models.items():
        if any(part["name"] == entity and part["type"] == "primary" for part in model["entities"]):
            return name
    return None


def _declaration(build: Build, item: Item) -> dict[str, Any]:
    """The dimension or entity as its semantic model declares it."""
    known = semantics(build)
    home = (_home(build, item.element) if item.kind == "entity" else None) or item.model
    parts = known.models[home]["entities" if item.kind == "entity" else "dimensions"]
    return next(part for part in parts if part["name"] == item.element)


def _column(build: Build, item: Item) -> tuple[str, str]:
    """The relation and the SQL expression that hold an item's values."""
    home = (_home(build, item.element) if item.kind == "entity" else None) or item.model
    return semantics(build).models[home]["node_relation"]["relation_name"], _declaration(build, item)["expr"] or item.element


def _dimension(build: Build, name: str, items: tuple[Item, ...]) -> Dimension:
    declarations = [_declaration(build, item) for item in items]
    label = next((part["label"] for part in declarations if part.get("label")), None)
    label = label or next((_meta(part)["label"] for part in declarations if _meta(part).get("label")), words(name))
    french = next((_meta(part)["label_fr"] for part in declarations if _meta(part).get("label_fr")), label)
    return Dimension(name, label, french, items)
