"""The words of the interface."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from dashboard import words
from dashboard.words import called, inside, join, phrases, say, typeset

ROOT = Path(__file__).parent.parent.parent
# Groups whose names come from the data: entities, dimensions and their values, parameters.
NAMES_OF_DATA = {
    *("channel", "dimension", "discount_kind", "driver", "entity", "parameter"),
    *("reason", "resolution", "cause", "contact_channel"),
    *("agreement_check", "feature", "forecast_model", "late_cause", "location_kind", "weekday"),
    *("capability", "device", "sold_in"),
}


@pytest.fixture(autouse=True)
def english():
    words.speak("en")
    yield
    words.speak("en")


def literals() -> tuple[set[str], set[str]]:
    """Every string in the dashboard's code, and what its f-strings start with."""
    whole, starts = set(), set()
    for module in [*(ROOT / "dashboard").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                starts.add(str(node.values[0].value))
    return whole, {start for start in starts if start.endswith(".")}


def singular(key: str) -> str:
    """The key a plural is asked by."""
    return re.sub(r"\.(one|many|other)$", "", key)


def test_no_phrase_is_written_twice() -> None:
    class Strict(yaml.SafeLoader):
        """YAML in which a key stands once."""

    def unique(loader: Strict, node: yaml.MappingNode) -> dict:
        keys = [loader.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{node.start_mark}: {sorted({key for key in keys if keys.count(key) > 1})}"
        return loader.construct_mapping(node, deep=True)

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, unique)
    for language in words.LANGUAGES:
        assert yaml.load((ROOT / "dashboard" / "locales" / f"{language}.yml").read_text(), Strict)


def test_both_languages_have_the_same_phrases() -> None:
    assert {singular(key) for key in phrases("en")} == {singular(key) for key in phrases("fr")}


def test_both_languages_fill_in_the_same_values() -> None:
    def blanks(text: str) -> set[str]:
        return set(re.findall(r"{(\w+)}", text))

    for key, text in phrases("en").items():
        assert blanks(text) == blanks(phrases("fr")[key]), key


def test_every_plural_has_all_the_forms_its_language_counts_with() -> None:
    from babel import Locale

    for language in words.LANGUAGES:
        forms = {Locale.parse(language).plural_form(count) for count in (0, 1, 2, 5, 1_000_000)}
        for key in {singular(key) for key in phrases(language) if key != singular(key)}:
            assert forms <= {form for form in ("one", "many", "other") if f"{key}.{form}" in phrases(language)}, key


def test_no_phrase_is_unused_and_none_is_missing() -> None:
    whole, starts = literals()
    known = {singular(key) for key in phrases("en")}
    unused = {key for key in known if key not in whole and not key.startswith(tuple(starts))}
    assert {key for key in unused if key.split(".")[0] not in NAMES_OF_DATA} == set()
    source = "".join(module.read_text() for module in (ROOT / "dashboard").rglob("*.py"))
    asked = set(re.findall(r"\bsay\(\s*\"([\w.]+)\"", source))
    assert asked - known == set()


def test_every_entity_and_every_page_has_a_name_in_both_languages() -> None:
    declared = yaml.safe_load((ROOT / "dbt_project" / "models" / "staging" / "__sources.yml").read_text())
    entities = {table["name"] for source in declared["sources"] for table in source["tables"]}
    pages = {page.stem for page in (ROOT / "pages").glob("*.py")}
    for language in words.LANGUAGES:
        assert {f"entity.{entity}" for entity in entities} <= phrases(language).keys()
        assert {f"page.{page}.{part}" for page in pages for part in ("name", "title")} <= phrases(language).keys()


def test_a_count_picks_the_plural_of_the_language() -> None:
    assert say("control.chosen", count=1) == "1 place"
    assert say("control.chosen", count=0) == "0 places"
    words.speak("fr")
    assert say("control.chosen", count=0) == "0 lieu"


def test_a_missing_phrase_is_a_fault_and_not_a_blank() -> None:
    with pytest.raises(KeyError):
        say("no.such.phrase")


def test_names_of_the_data_without_words_read_as_they_are_written() -> None:
    assert called("entity", "sessions") == "web analytics sessions"
    assert called("device", "smart_tv") == "Smart tv"
    assert called("dimension", "own_thing", "Our thing") == "Our thing"


def test_a_name_within_a_sentence_starts_small_unless_it_is_an_abbreviation() -> None:
    assert (inside("Average basket"), inside("LTV, 1 year")) == ("average basket", "LTV, 1 year")


def test_a_list_reads_as_people_write_it() -> None:
    assert join(["a"]) == "a"
    assert join(["a", "b", "c"]) == "a, b and c"
    words.speak("fr")
    assert join(["a", "b"]) == "a et b"


def test_french_leaves_no_sign_alone_at_the_end_or_the_beginning_of_a_line() -> None:
    assert typeset("« Ventes » : 2 % ?", "fr") == "«\u202fVentes\u202f»\u00a0: 2\u202f%\u202f?"
    assert typeset("Sales: 2% ?", "en") == "Sales: 2% ?"
    assert typeset("Vue d'ensemble", "fr") == "Vue d\N{RIGHT SINGLE QUOTATION MARK}ensemble"
    assert typeset("Total :green[12] !", "fr") == "Total :green[12]\u202f!"
    assert not [key for key, phrase in phrases("fr").items() if re.search(r" [;?!»%€]| :(?!\w)|« ", phrase)]
