"""The words of the interface, in the reader's language."""

import re
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from babel import Locale

LANGUAGES = {"en": "English", "fr": "Français"}

# French sets a space before these signs and within its quotation marks; none of them begins or ends a line.
_NARROW = re.compile(r" (?=[;?!»%€])|(?<=«) ")
_COLON = re.compile(r" (?=:(?!\w))")

_spoken: ContextVar[str] = ContextVar("language", default="en")


@cache
def phrases(language: str) -> dict[str, str]:
    """Every phrase of a language by its dotted key; a plural has one entry a form (`stores.one`, `stores.other`)."""
    tree = yaml.safe_load((Path(__file__).parent / "locales" / f"{language}.yml").read_text(encoding="utf-8"))
    return {key: typeset(phrase, language) for key, phrase in _flat(tree, "")}


def typeset(text: str, language: str) -> str:
    """The text with printed apostrophes, and the spaces that its language does not break at."""
    text = text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
    if language != "fr":
        return text
    return _COLON.sub("\N{NO-BREAK SPACE}", _NARROW.sub("\N{NARROW NO-BREAK SPACE}", text))


def _flat(tree: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, branch in tree.items():
        key = f"{prefix}{name}"
        if isinstance(branch, dict):
            yield from _flat(branch, f"{key}.")
        else:
            yield key, str(branch)


def speak(language: str) -> None:
    """Make `say` answer in this language for the rest of the run."""
    _spoken.set(language)


def language() -> str:
    """The language `say` answers in."""
    return _spoken.get()


def say(key: str, **values: Any) -> str:
    """The phrase of a key with its values filled in; a whole number named `count` picks the plural form.

    Raises `KeyError` when no language file has the key: a missing word is a fault, not a blank.
    """
    words = phrases(_spoken.get())
    if key not in words and "count" in values:
        key = f"{key}.{Locale.parse(_spoken.get()).plural_form(values['count'])}"
    return words[key].format(**values)


def called(kind: str, name: str, otherwise: str | None = None) -> str:
    """What people call a name of the data (`called("entity", "sessions")` → “web analytics sessions”).

    A name the interface has no words for reads as `otherwise`, or as it is written.
    """
    plain = str(name).replace("_", " ")
    return phrases(_spoken.get()).get(f"{kind}.{name}") or otherwise or plain[:1].upper() + plain[1:]


def inside(name: str) -> str:
    """A name as it stands within a sentence: “Sales” → “sales”, but “LTV” stays."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def join(items: list[str]) -> str:
    """A list as people write it: “a, b and c”."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {say('and')} {items[-1]}"
