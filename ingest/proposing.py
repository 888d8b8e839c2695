"""A first mapping for an unknown file: what can be seen in it, what is likely, and every doubt said.

Only what is beyond doubt stands in the proposal as it would load; the rest is commented out, so that nothing loads by guess.
Values are shown by their shape alone (`99/99/9999`), since they may be somebody's data.
"""

import csv
import itertools
import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from ingest import DataRefused, records, unpacking, workbooks
from ingest.entities import Column, Entity, entities
from ingest.mappings import EXAMPLES, PACKED, Mapping, Ndjson, Parquet, Workbook, read_mapping
from ingest.reading import Text, names_of

SAMPLE_BYTES = 1 << 20
SAMPLE_ROWS = 1000
ENCODINGS = ("utf-8", "cp1252", "latin-1")
DELIMITERS = ",;\t|"
FORMATS = (
    *("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"),
    *("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d/%m/%y", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d-%m-%Y", "%Y%m%d"),
    *("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%m/%d/%y", "%H:%M:%S", "%H:%M"),
)
ISO = {
    "timestamp": {"%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"},
    "date": {"%Y-%m-%d"},
    "time": {"%H:%M:%S", "%H:%M"},
}
SIGNS = "€$£¥%"


@dataclass(frozen=True)
class Sample:
    """The first rows of a file; `form` is the line of the mapping that says how it reads, `doubts` what of that is not sure."""

    header: tuple[str, ...]
    rows: list[list[str | None]]
    form: str
    doubts: tuple[str, ...] = ()

    def texts(self, header: str) -> list[str]:
        """What stands in a column, empty cells left out."""
        index = self.header.index(header)
        return [text for row in self.rows if index < len(row) and (text := row[index])]


@dataclass(frozen=True)
class Guess:
    """A header taken for a column of an entity, and why; `is_sure` where it has the column's name, or that of an akin export."""

    header: str
    why: str
    is_sure: bool


def propose(path: Path, name: str, mappings: Iterable[Mapping]) -> str:
    """A mapping for the file, `name` being that it was delivered under, as YAML. Raises `DataRefused` where it cannot be read."""
    with tempfile.TemporaryDirectory() as folder:
        sample = _sample(path, Path(folder))
    examples = [read_mapping(example, "UTC") for example in sorted(EXAMPLES.glob("*.yml"))]
    chosen = _entities(sample.header, *_lexicon(sample.header, [*mappings, *examples]))
    placed = {guess.header for guesses in chosen.values() for guess in guesses.values()}
    lines = [
        f"# Proposed from {_quoted(name)}: settle every line with «doubt», and remove the # of those that are right.",
        "# Nothing loads by guess: the file is refused until each column is mapped or ignored and each required one is there.",
        "source: my_system  # doubt: the system's name, and its folder in the inbox",
        f"files: {_quoted(_pattern(name))}  # doubt: which names have all files of this kind, and no others?",
        sample.form,
        *(f"# doubt: {doubt}" for doubt in sample.doubts),
        "entities:",
    ]
    for entity, guesses in chosen.items():
        lines += [f"  {entity}:", *(f"    {line}" for line in _columns(entities()[entity], guesses, sample))]
    if not chosen:
        lines.append(f"  # doubt: no column looks like one of an entity; name one of {', '.join(entities())}")
    unplaced = [header for header in dict.fromkeys(sample.header) if header not in placed]
    lines += ["ignore: []", *(f"#  - {_quoted(header)}  # doubt: no use? {_shapes(sample.texts(header))}" for header in unplaced)]
    return "\n".join(lines)


def _columns(entity: Entity, guesses: dict[str, Guess], sample: Sample) -> Iterator[str]:
    for column in entity.columns:
        if guess := guesses.get(column.name):
            yield from _column(column, guess, sample)
        elif column.required:
            hint = f"{{value: …}}, one of {', '.join(column.accepted)}" if column.accepted else "a header, or a value"
            yield f"# {column.name}: …  # doubt: required, and no column is named like it: {hint}"


def _column(column: Column, guess: Guess, sample: Sample) -> Iterator[str]:
    """The line of a column: commented out where its name or the way its texts read is in doubt."""
    texts = sample.texts(guess.header)
    cell, doubts = _quoted(guess.header), [] if guess.is_sure else [guess.why]
    if column.type in ISO and texts:
        fitting = [form for form in FORMATS if _all_fit(texts, form)]
        if not fitting:
            doubts.append("its texts are written in no usual way; say how in `format`")
        elif not set(fitting) & ISO[column.type]:
            cell = f'{{from: {cell}, format: "{fitting[0]}"}}'
            if len(fitting) > 1:
                doubts.append(f"may as well be {' or '.join(fitting[1:])}")
    elif column.accepted or column.type == "boolean":
        standard = column.accepted or ("true", "false")
        others = [text for text in Counter(texts) if text not in standard]
        if others:
            doubts.append(f"translate each text into one of {', '.join(standard)}")
            # Few texts that return are a system's words; many may be somebody's data.
            are_words = len(others) <= 12 and len(texts) >= 3 * len(others)
            shown = ", ".join(f"{_quoted(text)}: …" for text in others) if are_words else "…"
            cell = f"{{from: {cell}, values: {{{shown}}}}}"
    elif column.type == "varchar" and texts and all(re.fullmatch(r"[1-9]\d*\.0", text) for text in texts):
        cell = f'{{from: {cell}, strip: {{end: ".0"}}}}'
        doubts.append("numbers that became decimals on their way")
    note = f"doubt: {'; '.join(doubts)}; " if doubts else ""
    yield f"{'# ' if doubts else ''}{column.name}: {cell}  # {note}{_shapes(texts)}"


def _all_fit(texts: list[str], form: str) -> bool:
    for text in texts:
        try:
            datetime.strptime(text, form)
        except ValueError:
            return False
    return True


# Normalised name → the entities' columns that are called so, and by whom.
Lexicon = dict[str, dict[tuple[str, str], str]]


def _lexicon(header: tuple[str, ...], mappings: Iterable[Mapping]) -> tuple[Lexicon, set[str]]:
    """What the entities and every mapping call their columns, and who is to be believed.

    A name may mean another thing in another system, so only mappings of akin exports are, which have half of their columns here.
    """
    known: Lexicon = {}
    believed = {"named like it"}
    for entity in entities().values():
        for column in entity.columns:
            known.setdefault(_normal(column.name), {})[entity.name, column.name] = "named like it"
    for mapping in mappings:
        why = f"as in {mapping.path.name}"
        names = set(mapping.canonical(header))
        needed = [one for one, may_be_absent in mapping.headers() if not may_be_absent]
        if sum(bool(names & set(one)) for one in needed) * 2 >= len(needed):
            believed.add(why)
        for name, feed in mapping.feeds.items():
            for column, cell in feed.cells.items():
                others = [other for other, first in mapping.aliases.items() if first in cell.headers]
                for text in (*cell.headers, *others):
                    found = known.setdefault(_normal(text), {})
                    if found.get((name, column)) not in believed:
                        found[name, column] = why
    return known, believed


def _entities(header: tuple[str, ...], known: Lexicon, believed: set[str]) -> dict[str, dict[str, Guess]]:
    """The entities the file is likely to feed, likeliest first, each with its guesses."""
    found: dict[str, dict[str, Guess]] = {}
    for name in header:
        exact = known.get(_normal(name), {})
        for (entity, column), why in (exact or _alike(_normal(name), known)).items():
            guess = Guess(name, why if exact else f"like {why}", bool(exact) and why in believed)
            before = found.setdefault(entity, {}).get(column)
            if before is None or (guess.is_sure and not before.is_sure):
                found[entity][column] = guess
    keys = {entity.name: entity.key for entity in entities().values()}
    scores = {entity: sum(2 if column in keys[entity] else 1 for column in guesses) for entity, guesses in found.items()}
    best = max(scores.values(), default=0)
    # What tells its rows apart may have a name of its own, if nothing else has.
    likely = [
        name
        for name, score in scores.items()
        if score >= max(3, best / 2) and (score == best or set(keys[name]) & found[name].keys())
    ]
    return {name: found[name] for name in sorted(likely, key=lambda name: -scores[name])[:3]}


def _alike(name: str, known: Lexicon) -> dict[tuple[str, str], str]:
    """Columns one of whose names has all the words of this one, or the reverse."""
    words = set(name.split())
    found: dict[tuple[str, str], str] = {}
    for other, columns in known.items():
        if words and (words <= (others := set(other.split())) or others <= words) and len(words ^ others) <= 1:
            for place, why in columns.items():
                found.setdefault(place, f"`{other}`, {why}")
    return found


def _normal(name: str) -> str:
    plain = "".join(letter for letter in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[a-z0-9]+", plain.replace("°", "o")))


def _shapes(texts: list[str]) -> str:
    """How the texts of a column look, digits as 9 and letters as x, the two commonest shapes."""
    shapes = Counter(re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "9", text))[:30] for text in texts)
    return " | ".join(shape.replace("\n", " ") for shape, _ in shapes.most_common(2)) or "always empty"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _pattern(name: str) -> str:
    plain = next((name.removesuffix(suffix) for suffix in PACKED if name.endswith(suffix)), name)
    stem = re.sub(r"[\d_.-]+$", "", re.sub(r" ?[(\[]\d+[)\]]$", "", Path(plain).stem))
    return f"{stem}*{Path(plain).suffix}".replace("[", "[[]")


def _sample(path: Path, folder: Path) -> Sample:
    """The first rows of a file of any format; the format is told by its content, not by its name."""
    with closing(unpacking.parts(path)) as contents:
        start = next(contents).read(SAMPLE_BYTES)
    if start.startswith((b"\xd0\xcf\x11\xe0", b"PK")):
        plain = unpacking.unpacked(path, folder)
        names = workbooks.sheets(plain)
        sheet = names[0] if names else None
        text = workbooks.read(plain, Workbook(sheet=sheet), folder)
        several = (f"which sheet? It has {', '.join(names)}",) if len(names) > 1 else ()
        return _of_text(text, f"workbook: {{sheet: {_quoted(sheet or '')}}}", several)
    if start.startswith(b"PAR1"):
        return _of_text(records.read_parquet(path, Parquet(), folder), "parquet: {}", ())
    if re.match(rb"(\xef\xbb\xbf)?\s*(\[\s*)?\{", start):
        return _of_text(records.read_ndjson(path, Ndjson(), folder), "ndjson: {}", ())
    return _of_csv(start)


def _of_text(text: Text, form: str, doubts: tuple[str, ...]) -> Sample:
    cells = ", ".join(f"c{index}" for index in range(len(text.header)))
    rows = duckdb.execute(f"select {cells} from ({text.select()}) order by line limit {SAMPLE_ROWS}").fetchall()
    return Sample(text.header, [list(row) for row in rows], form, doubts)


def _of_csv(start: bytes) -> Sample:
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataRefused("it is no text, workbook or Parquet; have its system export one of these")
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else next(one for one in ENCODINGS if _reads(start, one))
    text = start.decode("utf-8-sig" if encoding == "utf-8" else encoding, "ignore").lstrip("\ufeff")
    lines = text.splitlines(keepends=True)[:SAMPLE_ROWS]
    if not "".join(lines).strip():
        raise DataRefused("the file is empty; ask for it again")
    comments = sum(1 for _ in itertools.takewhile(lambda line: line.startswith("#") or not line.strip(), lines))
    body = lines[comments:]
    delimiter, width = max(((mark, _width(body, mark)) for mark in DELIMITERS), key=lambda found: found[1])
    rows = list(_rows(body, delimiter))
    before = next((index for index, row in enumerate(rows) if len(row) == width), 0)
    header, rows = names_of(rows[before]), [[text.strip() or None for text in row] for row in rows[before + 1 :]]
    dialect = {"delimiter": '"\\t"' if delimiter == "\t" else f'"{delimiter}"', "encoding": encoding}
    doubts = [] if encoding == "utf-8" else [f"read as {encoding}: are accents and signs right?"]
    if comments:
        dialect["skip_lines"] = '"^#"'
    if before:
        dialect["skip_rows"] = str(comments + before)
        dialect.pop("skip_lines", None)
        doubts.append(f"{before} lines stand before the header")
    dialect |= _numbers(itertools.chain.from_iterable(rows))
    if "decimal" in dialect or "thousands" in dialect:
        doubts.append("are numbers written so?")
    return Sample(header, rows, f"csv: {{{', '.join(f'{key}: {value}' for key, value in dialect.items())}}}", tuple(doubts))


def _reads(start: bytes, encoding: str) -> bool:
    try:
        start.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4 and len(start) == SAMPLE_BYTES  # cut within a letter
    return True


def _rows(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    with suppress(csv.Error):
        yield from (row for row in csv.reader(lines, delimiter=delimiter) if row)


def _width(lines: list[str], delimiter: str) -> int:
    """How many fields most records have."""
    widths = Counter(len(row) for row in _rows(lines, delimiter))
    return widths.most_common(1)[0][0] if widths else 0


def _numbers(texts: Iterable[str | None]) -> dict[str, str]:
    """What of `csv` says how numbers are written, where they are not written plainly."""
    numbers = [text for text in texts if text and re.fullmatch(rf"[-−(]?[{SIGNS}]?[-−]?\d[\d.,'\s]*[{SIGNS})]*-?", text)]
    signs = sorted({sign for text in numbers for sign in SIGNS if sign in text})
    bare = [text.strip("-−() " + SIGNS + "\u00a0\u202f") for text in numbers]
    commas = [text for text in bare if re.search(r",\d{1,2}$", text)]
    points = [text for text in bare if re.search(r"\.\d+$", text)]
    found = {}
    if len(commas) > len(points):
        found["decimal"] = '","'
    if any(re.search(r"\d\s\d{3}(\D|$)", text) for text in bare):
        found["thousands"] = '" "'
    elif any(re.search(r"\d\.\d{3},", text) for text in bare):
        found["thousands"] = '"."'
    elif any(re.search(r"\d,\d{3}\.", text) for text in bare):
        found["thousands"] = '","'
    if signs:
        found["symbols"] = "[" + ", ".join(f'"{sign}"' for sign in signs) + "]"
    return found
