"""Many small texts as one, so that what a statement costs is paid once for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from ingest.mappings import Csv
from ingest.reading import Text, after


@dataclass(frozen=True)
class Joined(Text):
    """Records of several texts in one file, each after the number of its text in `texts`, which names them by their file's id."""

    texts: Mapping[int, Text] = field(default_factory=dict)

    def select(self) -> str:
        """SQL of every record, with the `file_id` it is from and its `line` in that file."""
        if not self.records:
            return f"select *, 0::bigint as file_id from ({super().select()})"
        columns = [f"c{index}" for index in range(len(self.header))]
        before = accumulate((text.records for text in self.texts.values()), initial=0)
        shifts = [(text.lines_before or 0) - begun for text, begun in zip(self.texts.values(), before, strict=False)]
        return (
            f"select {', '.join(self._cells(columns))}, row_number() over () + list_extract({shifts}, text::bigint) as line, "
            f"list_extract({list(self.texts)}, text::bigint)::bigint as file_id from {self._read_csv(['text', *columns], 0)}"
        )


def join(texts: Mapping[int, Text], path: Path) -> Joined:
    """Texts with the same header, their lines being records, written to `path` as one; each is named by its file's id."""
    first = next(iter(texts.values()))
    assert isinstance(first.dialect, Csv)
    delimiter = first.dialect.delimiter
    with path.open("wb") as output:
        for number, text in enumerate(texts.values(), start=1):
            assert text.lines_before is not None
            body = after(text.path.read_bytes(), text.lines_before)
            if body := body.rstrip(b"\r\n").replace(b"\r\n", b"\n"):
                mark = f"{number}{delimiter}".encode()
                output.write(mark + body.replace(b"\n", b"\n" + mark) + b"\n")
    records, are_trimmed = sum(text.records for text in texts.values()), all(text.is_trimmed for text in texts.values())
    return Joined(first.header, path, records, first.dialect, 0, are_trimmed, texts=texts)
