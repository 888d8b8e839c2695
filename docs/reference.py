"""Writes the reference pages from what they document: `python -m docs.reference`; a test keeps them true.

Commands come from the command line itself, entities from their declaration, mappings from `ingest/sources`, metrics from the
YAML beside the marts.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer
import yaml

import cli
from ingest.build import PROJECT
from ingest.entities import Entity, entities
from ingest.mappings import Mapping, load_mappings, read_mapping
from settings import Settings

DOCS = Path(__file__).parent
TEMPLATES = DOCS.parent / "ingest" / "templates"
NOTE = "<!-- Written by `python -m docs.reference`; edit what it documents instead. -->\n"


@cache
def pages() -> dict[str, str]:
    """File name → text of every reference page."""
    one_each = {
        "commands.md": _page("Commands", commands()),
        "entities.md": _page("The canonical entities", entity_tables()),
        "mappings.md": _page("The mappings that ship", mappings()),
        "metrics.md": _page("The metrics", metrics()),
    }
    documented = {
        f"mappings/{mapping.name}.md": _page(mapping.about.title, mapping_page(mapping))
        for mapping in [*shipped(), *examples()]
        if mapping.about
    }
    templates = {f"../ingest/templates/{entity.name}.yml": template(entity) for entity in entities().values()}
    return one_each | documented | templates


def commands() -> Iterator[str]:
    group = typer.main.get_command(cli.app)
    yield "Settings come from the environment or a `.env` file:\n"
    yield "| variable | default | what it is |\n|---|---|---|"
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        yield f"| `OMNIKPI_{name.upper()}` | {default} | {field.description} |"
    yield ""
    for name, command in _commands(group):
        usage = " ".join(command.collect_usage_pieces(typer.Context(command)))
        yield f"## `omnikpi {name}`\n\n{command.help}\n\n```\nomnikpi {name} {usage}\n```\n"
        options = [parameter for parameter in command.params if getattr(parameter, "help", None)]
        if options:
            yield "| option | what it does |\n|---|---|"
            for option in options:
                words = " ".join([*option.opts, *option.secondary_opts]) if option.opts[0].startswith("-") else option.metavar
                yield f"| `{str(words).replace('|', ' or ')}` | {option.help} |"
            yield ""
    yield "## Exit codes\n\n| code | meaning |\n|---|---|"
    yield from (f"| {code} | {meaning} |" for code, meaning in cli.EXIT_CODES.items())


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by the words that call it, those of a group after the group itself."""
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield f"{prefix}{name}", command
        if hasattr(command, "list_commands"):
            yield from _commands(command, f"{prefix}{name} ")


def entity_tables() -> Iterator[str]:
    yield "What every export is mapped into, declared in `dbt_project/models/staging/__sources.yml`."
    yield "**Bold** columns identify a row within its system, a column marked ● must be filled,"
    yield "and what is personal stays in the vault.\n"
    described = _declared()
    for entity in entities().values():
        text = {column["name"]: column["description"] for column in described[entity.name]["columns"]}
        yield f"## {entity.name}\n\n{described[entity.name]['description']}\n"
        yield "| column | type | | what it holds |\n|---|---|---|---|"
        for column in entity.columns:
            name = f"**{column.name}**" if column.name in entity.key else column.name
            marks = " ".join(filter(None, ["●" if column.required else "", "personal" if column.pii else ""]))
            values = f" One of: {', '.join(column.accepted)}." if column.accepted else ""
            yield f"| {name} | {column.type} | {marks} | {text[column.name]}{values} |"
        yield ""


def _declared() -> dict[str, dict]:
    """Every entity's declaration, by name."""
    tables = yaml.safe_load((PROJECT / "models" / "staging" / "__sources.yml").read_text())["sources"][0]["tables"]
    return {table["name"]: table for table in tables}


def shipped() -> list[Mapping]:
    return list(load_mappings(Settings(sources=None)).values())


def examples() -> list[Mapping]:
    return [read_mapping(path, "Europe/Paris") for path in sorted((TEMPLATES / "examples").glob("*.yml"))]


def mappings() -> Iterator[str]:
    yield "Menus are named as they were last known, and systems move them. The headers decide: a file with others is refused,"
    yield "naming what is missing, and `aliases` in a copy of its mapping give the new names.\n"
    yield from _mapping_table(shipped())
    yield "\n## Templates and examples\n"
    yield "What a system of your own exports has a layout of its own. Begin with the template of the entity it feeds, or with the"
    yield "example nearest to it, copy it to the folder `OMNIKPI_SOURCES` names, and write your headers."
    yield "[writing-mappings.md](writing-mappings.md) has every verb.\n"
    links = (f"[{name}](../ingest/templates/{name}.yml)" for name in entities())
    yield f"Templates, one an entity: {', '.join(links)}.\n"
    yield "Examples as French systems export: semicolons, Windows-1252, decimal commas, amounts with VAT, `DD/MM/YYYY`.\n"
    yield from _mapping_table(examples())


def _mapping_table(some: list[Mapping]) -> Iterator[str]:
    yield "| source | mapping | files | feeds |\n|---|---|---|---|"
    for mapping in some:
        name = f"[`{mapping.name}`](mappings/{mapping.name}.md)" if mapping.about else f"`{mapping.name}`"
        yield f"| {mapping.source} | {name} | `{', '.join(mapping.files)}` | {', '.join(mapping.feeds)} |"


def template(entity: Entity) -> str:
    """A mapping for an export whose headers are the entity's own columns, to be copied and changed."""
    table = _declared()[entity.name]
    said = {column["name"]: column["description"] for column in table["columns"]}
    lines = [
        f"# Template: {entity.name}. {table['description']}",
        "# Copy it to the folder that OMNIKPI_SOURCES names, and write on the right of each column the header your export has.",
        f"# A row is known by its {', '.join(entity.key)}. Delete optional columns that the export lacks.",
        "source: my_system                # the system; its files arrive in inbox/my_system/",
        f'files: "{entity.name}*.csv"',
        '# French systems often write {delimiter: ";", encoding: cp1252, decimal: ",", thousands: " "}.',
        'csv: {delimiter: ",", encoding: utf-8}',
    ]
    if any(column.type == "timestamp" for column in entity.columns):
        lines.append("# timezone: Europe/Paris         # of times without an offset, where it is not the installation's")
    lines += ["entities:", f"  {entity.name}:"]
    for title, is_required in (("required", True), ("optional", False)):
        columns = [column for column in entity.columns if column.required == is_required]
        lines += [f"    # {title}"] if columns else []
        for column in columns:
            cell = column.name if is_required else f"{{from: {column.name}, optional: true}}"
            notes = [said[column.name]]
            notes += [f"One of {', '.join(column.accepted)}: translate yours with `values`."] if column.accepted else []
            notes += ["Written otherwise than 2026-01-31? Say how with `format`."] if column.type in ("date", "timestamp") else []
            notes += ["Personal."] if column.pii else []
            lines += [f"    # {' '.join(notes)}", f"    {column.name}: {cell}"]
    return "\n".join(lines) + "\n"


def mapping_page(mapping: Mapping) -> Iterator[str]:
    """A mapping for the person who brings its export: where it is found, what bites, what it feeds, what is left out."""
    assert mapping.about
    document = yaml.load(mapping.path.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506  all text, as it is read
    yield f"**Where it is found.** {_flow(mapping.about.menu)}\n"
    patterns = " or ".join(f"`{pattern}`" for pattern in mapping.files)
    place = mapping.path.relative_to(DOCS.parent).as_posix()
    yield f"**Where it goes.** `inbox/{mapping.source}/`, named {patterns}. Mapping: [`{mapping.name}.yml`](../../{place}).\n"
    for title, notes in (("What bites", mapping.about.bites), ("What it cannot tell", mapping.about.left_out)):
        if notes:
            yield f"## {title}\n\n" + "\n".join(f"- {_flow(note)}" for note in notes) + "\n"
    for name, feed in document["entities"].items():
        yield f"## Feeds {name}\n"
        yield from (f"{words} `{_plain(feed[key])}`.\n" for key, words in _ROWS.items() if key in feed)
        yield "| column | comes from |\n|---|---|"
        yield from (f"| {column} | {_origin(cell)} |" for column, cell in feed.items() if column not in _ROWS)
        yield ""
    if known := [(key, document[key]) for key in _WHOLE_FILE if key in document]:
        yield "## The whole file\n\n| key | |\n|---|---|"
        yield from (f"| {key} | `{_plain(value)}` |" for key, value in known)
        yield ""
    if mapping.ignore:
        yield f"## Ignored\n\n{', '.join(f'`{header}`' for header in mapping.ignore)}"


_ROWS = {"when": "Rows where", "per": "One row per"}
_WHOLE_FILE = (
    *("csv", "workbook", "ndjson", "parquet", "timezone", "clock_changes", "country", "customer_space"),
    *("aliases", "fill", "unpack", "skip"),
)


def _origin(cell: str | list | dict) -> str:
    """Where a column comes from: its headers, then each verb that changes what stands in them."""
    if not isinstance(cell, dict):
        return " or ".join(f"`{header}`" for header in ([cell] if isinstance(cell, str) else cell))
    verbs = dict(cell)
    if "value" in verbs:
        words = [f"always `{verbs.pop('value')}`"]
    elif "sequence" in verbs:
        words = [f"number of the row within its `{verbs.pop('sequence')}`"]
    elif "sum" in verbs:
        words = [" + ".join(f"`{header}`" for header in verbs.pop("sum"))]
    elif "join" in verbs:
        joined = verbs.pop("join")
        between = f" joined by `{joined['with']}`" if joined["with"].strip() else ""
        words = [" and ".join(f"`{header}`" for header in joined["columns"]) + between]
    else:
        words = [_origin(verbs.pop("from"))]
    if verbs.pop("optional", None):
        words[0] += " (where it is there)"
    for verb, said in verbs.items():
        if verb == "values":
            said = ", ".join(f"{text or 'nothing'} → {meant or 'nothing'}" for text, meant in said.items())
            words.append(said.replace("|", "\\|"))
        else:
            words.append(f"{verb} `{_plain(said)}`")
    return "; ".join(words)


def _plain(value: Any) -> str:
    """A part of a mapping on one line, safe within a table."""
    if isinstance(value, dict):
        text = ", ".join(f"{key}: {_nested(part)}" for key, part in value.items())
    elif isinstance(value, list):
        text = ", ".join(map(_nested, value))
    else:
        text = value
    return text.replace("|", "\\|")


def _nested(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{_plain(value)}}}"
    return f"[{_plain(value)}]" if isinstance(value, list) else value


def metrics() -> Iterator[str]:
    yield "Every metric that can be asked for, as defined beside its mart. Those marked hidden are parts of others.\n"
    for metric in declared_metrics():
        meta = metric["config"]["meta"]
        if meta.get("hidden"):
            continue
        yield f"## `{metric['name']}`\n\n**{metric['label']}** · *{meta['label_fr']}* · {meta['topic']} · {meta['format']}, "
        yield f"{meta['better']} is better · owner: {meta['owner']}\n\n{_flow(metric['description'])}\n\n"
        yield f"*{_flow(meta['description_fr'])}*\n\nFormula: `{_formula(metric)}`\n"


@cache
def declared_metrics() -> list[dict]:
    """Every metric of the dbt project, as its YAML declares it, by name."""
    found = []
    for file in sorted((PROJECT / "models").rglob("*.yml")):
        document = yaml.safe_load(file.read_text()) or {}
        found += document.get("metrics", [])
        found += [metric for model in document.get("models", []) for metric in model.get("metrics", [])]
    return sorted(found, key=lambda metric: metric["name"])


def _formula(metric: dict) -> str:
    def name(part: str | dict) -> str:
        return part if isinstance(part, str) else part["name"]

    if metric["type"] == "ratio":
        return f"{name(metric['numerator'])} ÷ {name(metric['denominator'])}"
    if metric["type"] == "derived":
        return " ".join(metric["expr"].split())
    share = f" {metric['percentile']}" if "percentile" in metric else ""
    return f"{metric['agg']}{share}({metric.get('expr', metric['name'])})"


def _flow(text: str) -> str:
    return " ".join(text.split())


def _page(title: str, lines: Iterator[str]) -> str:
    return f"{NOTE}\n# {title}\n\n" + "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    for file_name, text in pages().items():
        (DOCS / file_name).parent.mkdir(exist_ok=True)
        (DOCS / file_name).write_text(text)
