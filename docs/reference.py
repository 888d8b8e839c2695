"""Writes the reference pages from what they document: `python -m docs.reference`; a test keeps them true.

Commands come from the command line itself, entities from their declaration, mappings from `ingest/sources`, metrics from the
YAML beside the marts.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
import yaml

import cli
from ingest.build import PROJECT
from ingest.entities import entities
from ingest.mappings import load_mappings
from settings import Settings

DOCS = Path(__file__).parent
NOTE = "<!-- Written by `python -m docs.reference`; edit what it documents instead. -->\n"


def pages() -> dict[str, str]:
    """File name → text of every reference page."""
    return {
        "commands.md": _page("Commands", commands()),
        "entities.md": _page("The canonical entities", entity_tables()),
        "mappings.md": _page("The mappings that ship", mappings()),
        "metrics.md": _page("The metrics", metrics()),
    }


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
    declared = yaml.safe_load((PROJECT / "models" / "staging" / "__sources.yml").read_text())["sources"][0]["tables"]
    described = {table["name"]: table for table in declared}
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


def mappings() -> Iterator[str]:
    yield "| source | mapping | files | feeds |\n|---|---|---|---|"
    for mapping in load_mappings(Settings(sources=None)).values():
        yield f"| {mapping.source} | `{mapping.name}` | `{', '.join(mapping.files)}` | {', '.join(mapping.feeds)} |"


def metrics() -> Iterator[str]:
    yield "Every metric that can be asked for, as defined beside its mart. Those marked hidden are parts of others.\n"
    for metric in declared_metrics():
        meta = metric["config"]["meta"]
        if meta.get("hidden"):
            continue
        yield f"## `{metric['name']}`\n\n**{metric['label']}** · *{meta['label_fr']}* · {meta['topic']} · {meta['format']}, "
        yield f"{meta['better']} is better · owner: {meta['owner']}\n\n{_flow(metric['description'])}\n\n"
        yield f"*{_flow(meta['description_fr'])}*\n\nFormula: `{_formula(metric)}`\n"


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
        (DOCS / file_name).write_text(text)
