"""Reading: whatever the bytes look like, each record is read once, whole, and known by its true line."""

import csv
import gzip
import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import DataRefused, reading, unpacking
from ingest.mappings import Csv


def records(path: Path, dialect: Csv | None = None) -> tuple[bool, list[tuple]]:
    """Whether lines were records, and (line, cells…) of each record, sorted by line."""
    dialect = dialect or Csv()
    folder = Path(tempfile.mkdtemp(dir=path.parent))
    text = reading.scan(path, dialect, folder)
    is_simple = text is not None
    return is_simple, cells(text or reading.rewrite(path, dialect, folder))


def cells(text: reading.Text) -> list[tuple]:
    names = ", ".join(f"c{index}" for index in range(len(text.header)))
    return duckdb.execute(f"select line, {names} from ({text.select()}) order by line").fetchall()


def write(tmp_path: Path, content: str | bytes, name: str = "export.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "is_simple", "lines"),
    [
        ("a,b\n1,x\n2,y\n", True, [(2, "1", "x"), (3, "2", "y")]),
        ("a,b\r\n1,x\r\n2,y\r\n", True, [(2, "1", "x"), (3, "2", "y")]),
        ("a,b\n1,x\n2,y\n\n\n\n", True, [(2, "1", "x"), (3, "2", "y")]),
        ("a,b\n\n1,x\n\n\n2,y\n", False, [(3, "1", "x"), (6, "2", "y")]),
        ("a,b\r\n1,x\r\n\r\n2,y\r\n", False, [(2, "1", "x"), (4, "2", "y")]),
        ('a,b\n1,"x\ny"\n2,z\n', False, [(2, "1", "x\ny"), (4, "2", "z")]),
        ('a,b\n1,"x\r\n\r\ny"\n2,z\n', False, [(2, "1", "x\r\n\r\ny"), (5, "2", "z")]),
        ('a,b\n1,"x, ""y"""\n2,"z"\n', True, [(2, "1", 'x, "y"'), (3, "2", "z")]),
        ("a,b\r\n1,x\n2,y\r\n", False, [(2, "1", "x"), (3, "2", "y")]),
        ('"a\nb",c\n1,x\n', False, [(3, "1", "x")]),
        ('a,b\n1, x \n2,"  y"\n', True, [(2, "1", "x"), (3, "2", "y")]),
        ("a,b\n1,\n,\n", True, [(2, "1", None), (3, None, None)]),
        ("a,b\n1,x,\n2,y\n", False, [(3, "2", "y")]),
        ('a,b\n1,"x",""\n2,",,"\n', False, [(3, "2", ",,")]),
        ('a,b\n1,  "x, y"\n', False, [(2, "1", "x, y")]),
        ('a,b\n1,x "y" z\n', False, [(2, "1", 'x "y" z')]),
        ('a,b\n1,\t"x"\n', False, [(2, "1", '"x"')]),
        ("a,b\n", True, []),
        ("\ufeffa,b\n1,é\u00a0\n", True, [(2, "1", "é")]),
    ],
)
def test_every_record_has_its_true_line(tmp_path: Path, content: str, is_simple: bool, lines: list[tuple]) -> None:
    assert records(write(tmp_path, content)) == (is_simple, lines)


def test_lines_before_the_header_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "# report\n# of today, perhaps\na;b\n1;x\n")
    assert records(path, Csv(delimiter=";", skip_rows=2)) == (True, [(4, "1", "x")])
    path = write(tmp_path, "# a report;;;\na;b\n1;x\n")
    assert records(path, Csv(delimiter=";", skip_rows=1)) == (True, [(3, "1", "x")])
    path = write(tmp_path, '# report\na;b\n1;"x\ny"\n2;z\n')
    assert records(path, Csv(delimiter=";", skip_rows=1)) == (False, [(3, "1", "x\ny"), (5, "2", "z")])


def test_tabs_are_trimmed_within_quotes_where_they_are_the_delimiter(tmp_path: Path) -> None:
    path = write(tmp_path, 'a\tb\n"1\t"\t"\tx\ty"\n2\t"\t"\n')
    assert records(path, Csv(delimiter="\t")) == (True, [(2, "1", "x\ty"), (3, "2", None)])


def test_long_files_are_read_in_ranges_that_keep_their_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RANGE_RECORDS", 10)
    monkeypatch.setattr(reading, "RANGES", 4)
    path = write(tmp_path, "id,text\n" + "".join(f"{number},row {number}\n" for number in range(1003)))
    assert records(path) == (True, [(number + 2, str(number), f"row {number}") for number in range(1003)])


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_blocks_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    content = 'a,b\r\n1,"é ""x"""\r\n2, y\r\n3,z\r\n\r\n'
    path = write(tmp_path, content)
    monkeypatch.setattr(reading, "BLOCK", 64)
    header = reading.read_header(path, Csv())
    assert header == ("a", "b")

    # The header must lie in the first block; what follows may be cut anywhere.
    first = iter([len("a,b\r\n")])
    parts = reading.parts

    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(next(first, block))

    def dripping(path: Path) -> Iterator[BinaryIO]:
        for content in parts(path):
            yield Dripping(content.read())

    monkeypatch.setattr(reading, "parts", dripping)
    text = reading.scan(path, Csv(), tmp_path)
    assert text is not None
    found = duckdb.execute(f"select line, c0, c1 from ({text.select()}) order by line").fetchall()
    assert found == [(2, "1", 'é "x"'), (3, "2", "y"), (4, "3", "z")]


@pytest.mark.parametrize(
    ("encoding", "codec"), [("utf-8", "utf-8-sig"), ("cp1252", "cp1252"), ("latin-1", "latin-1"), ("utf-16", "utf-16")]
)
def test_every_encoding_reads_the_same(tmp_path: Path, encoding: str, codec: str) -> None:
    content = "n°;libellé\n1;crème brûlée\n2;ÿ\n"
    dialect = Csv.model_validate({"delimiter": ";", "encoding": encoding})
    path = write(tmp_path, content.encode(codec))
    assert reading.read_header(path, dialect) == ("n°", "libellé")
    assert records(path, dialect) == (True, [(2, "1", "crème brûlée"), (3, "2", "ÿ")])
    packed = write(tmp_path, gzip.compress(content.encode(codec)), "export.csv.gz")
    assert records(packed, dialect) == (True, [(2, "1", "crème brûlée"), (3, "2", "ÿ")])


def refusal(path: Path, dialect: Csv | None = None) -> str:
    with pytest.raises(DataRefused) as error:
        records(path, dialect)
    return str(error.value)


def test_another_encoding_is_refused_naming_the_line(tmp_path: Path) -> None:
    told = refusal(write(tmp_path, "a,b\n1,x\n2,crème\n".encode("cp1252")))
    assert "line 3: not utf-8 text" in told
    assert "cp1252" in told


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_declared_to_have_a_byte_for_each_letter_is_refused_where_it_has_more(tmp_path: Path, codec: str) -> None:
    path = write(tmp_path, "a,b\n1,x\n2,crème\n".encode(codec))
    line = 3 if codec == "utf-8" else 1
    assert f"line {line}: not cp1252 text" in refusal(path, Csv(encoding="cp1252"))


def test_a_cut_file_is_refused_unless_its_system_never_ends_it(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1,x\n2,19.9")
    assert "line 3: the last line does not end" in refusal(path)
    assert records(path, Csv(final_newline="optional")) == (True, [(2, "1", "x"), (3, "2", "19.9")])


def test_an_empty_file_and_one_without_header_are_refused(tmp_path: Path) -> None:
    assert "empty" in refusal(write(tmp_path, ""))
    assert "no header" in refusal(write(tmp_path, "only a title\n"), Csv(skip_rows=1))
    assert "no header" in refusal(write(tmp_path, "\na,b\n1,2\n"))


def test_a_line_over_a_megabyte_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,b\n1,"' + "x" * 2_000_000 + "\n")
    with pytest.raises(DataRefused, match="line 2: longer than 1 MB"):
        reading.rewrite(path, Csv(), tmp_path)


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "LEAST_LIMIT", 1024)
    packed = gzip.compress(b"a,b\n" + b"1,x\n" * 200_000)
    assert "unpacks to more than 200 times its size" in refusal(write(tmp_path, packed, "bomb.csv.gz"))


def test_a_file_of_bare_returns_is_refused_as_cut(tmp_path: Path) -> None:
    assert "the last line does not end" in refusal(write(tmp_path, "a,b\n1,x\r2,y\r"))


def test_records_of_a_wrong_length_are_set_apart_with_their_line(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,b\n1,x\n2,"y\ny",z\n3\n4,w\n')
    text = reading.rewrite(path, Csv(), tmp_path)
    assert text.ragged is not None
    assert (text.records, text.ragged_records) == (4, 2)
    apart = duckdb.execute(f"from {reading.read_parquet(text.ragged)} order by line").fetchall()
    assert apart == [
        ("3", "3 fields where the header has 2", '2,"y\ny",z'),
        ("5", "1 fields where the header has 2", "3"),
    ]


@pytest.mark.parametrize("record", [["a\rb", "c\nd"], ["", 'x "y"', ' "z"'], ["1;2", "3,4"]])
def test_a_record_set_apart_reads_back_from_its_line(tmp_path: Path, record: list[str]) -> None:
    header = ",".join(f"h{number}" for number in range(len(record)))
    path = write(tmp_path, f"{header}\n{reading.render(record, Csv())}\n")
    assert records(path)[1] == [(2, *(field.strip() or None for field in record))]


CELL = st.text(st.sampled_from('ab ,;"\n\r é\u00a0'), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_any_table_is_read_back_with_its_lines(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple], end: str) -> None:
    output = io.StringIO(newline="")
    writer = csv.writer(output, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(("a", "b"))
    expected = []
    for row in rows:
        line = len(io.StringIO(output.getvalue(), newline="").readlines()) + 1
        writer.writerow(row)
        expected.append((line, *((cell.strip(reading.SPACES) or None) for cell in row)))
    path = write(tmp_path_factory.mktemp("any"), output.getvalue())
    assert records(path)[1] == expected


PLAIN = st.sampled_from(["a", "", "a b", " a", '"a"', '""', '"a,b"', '"a\tb"', '"a ""b"""', '" a "', "é", "\u00a0a"])
BROKEN = st.text(st.sampled_from('a ,"\n\r\t\u00a0'), max_size=6)
LINE = st.tuples(PLAIN, PLAIN) | st.tuples(PLAIN, PLAIN) | st.lists(PLAIN | BROKEN, min_size=1, max_size=3)


def is_read_alike(folder: Path, lines: list[Sequence[str]], delimiter: str, end: str) -> None:
    """What is read side by side, if that is not refused, is what is read record by record."""
    dialect = Csv(delimiter=delimiter, final_newline="optional")
    path = write(folder, end.join(map(delimiter.join, [("a", "b"), *lines])))
    text = reading.scan(path, dialect, folder)
    if text is None:
        return
    try:
        found = cells(text)
    except duckdb.InvalidInputException:
        return
    again = reading.rewrite(path, dialect, folder)
    assert (found, again.ragged_records) == (cells(again), 0)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINE, max_size=5), st.sampled_from([",", "\t"]), st.sampled_from(["\n", "\r\n"]))
def test_any_text_is_read_alike_in_both_ways(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Sequence[str]], delimiter: str, end: str
) -> None:
    is_read_alike(tmp_path_factory.mktemp("any"), lines, delimiter, end)


@pytest.mark.proof
@settings(max_examples=15_000, deadline=None)
@given(st.lists(LINE, max_size=5), st.sampled_from([",", "\t"]), st.sampled_from(["\n", "\r\n"]))
def test_fifteen_thousand_texts_are_read_alike(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Sequence[str]], delimiter: str, end: str
) -> None:
    is_read_alike(tmp_path_factory.mktemp("any"), lines, delimiter, end)
