"""Packed exports: what `.gz`, `.zst` and `.zip` files hold, and what such a file must not be."""

import gzip
import shutil
import stat
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

import pyarrow as pa

from ingest import DataRefused, progress
from ingest.mappings import PACKED

MAX_RATIO = 200
# Small files may well be packed better than that.
LEAST_LIMIT = 200 << 20
NESTED = (*PACKED, ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz")


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Unpacked:
    """A stream of unpacked bytes that ends with a refusal where it is damaged or grows beyond all measure."""

    def __init__(self, stream: _Readable, packed_size: int) -> None:
        self._stream, self._left = stream, max(MAX_RATIO * packed_size, LEAST_LIMIT)

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._stream.read(size)
        except (EOFError, zlib.error, zipfile.BadZipFile, OSError) as error:
            _raise_of_the_disk(error)
            raise DataRefused("it is damaged or cut, for it cannot be unpacked to its end; ask for it again") from None
        self._left -= len(data)
        if self._left < 0:
            raise DataRefused(f"unpacks to more than {MAX_RATIO} times its size; send it unpacked")
        return data


def parts(path: Path) -> Generator[BinaryIO]:
    """The content of an export, unpacked: one stream, or one for each member of a `.zip`, in order of their names."""
    size = path.stat().st_size
    with path.open("rb") as raw:
        progress.follow(lambda: raw.tell() / size)
        if path.suffix == ".gz":
            yield _Unpacked(gzip.GzipFile(fileobj=raw), size)  # pyright: ignore[reportReturnType]
        elif path.suffix == ".zst":
            yield _Unpacked(pa.CompressedInputStream(pa.PythonFile(raw), "zstd"), size)  # pyright: ignore[reportReturnType]
        elif path.suffix == ".zip":
            with _archive(raw) as archive:
                for member in _members(archive, size):
                    with archive.open(member) as content:
                        yield _Unpacked(content, size)  # pyright: ignore[reportReturnType]
        else:
            yield raw


def unpacked(path: Path, folder: Path) -> Path:
    """The export as one plain file: itself, or what it holds, written to `folder`; several in one are refused."""
    if path.suffix not in PACKED:
        return path
    target = folder / "unpacked"
    for number, content in enumerate(parts(path)):
        if number:
            raise DataRefused("the archive holds several files of a format that cannot be joined; send them one by one")
        with target.open("wb") as output:
            shutil.copyfileobj(content, output)
    return target


def measured(path: Path) -> None:
    """Raises `DataRefused` where a workbook, an archive by itself, would unpack beyond all measure."""
    if zipfile.is_zipfile(path):
        with path.open("rb") as raw, _archive(raw) as archive:
            _limit(archive.infolist(), path.stat().st_size)


def _archive(raw: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(raw)
    except zipfile.BadZipFile as error:
        _raise_of_the_disk(error)
        raise DataRefused("it is no zip archive, or is cut; ask for it again") from None


def _raise_of_the_disk(error: BaseException) -> None:
    """Raises the disk's own error where that is why the content could not be unpacked: it is no fault of the file's."""
    for cause in (error, error.__context__):
        if isinstance(cause, OSError) and cause.errno:
            raise cause


def _members(archive: zipfile.ZipFile, packed_size: int) -> list[zipfile.ZipInfo]:
    """The files of an archive that are exports, none of them being a danger."""
    # What macOS adds to every archive is no content.
    found = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    if not found:
        raise DataRefused("the archive is empty; ask for it again")
    for number, member in enumerate(found, start=1):
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise DataRefused(f"member {number} of the archive has a path that leads out of it; pack it again")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DataRefused(f"member {number} of the archive is a link; pack the file itself")
        if member.flag_bits & 1:
            raise DataRefused("the archive is encrypted; send it without a password")
        if path.suffix.lower() in NESTED:
            raise DataRefused(f"member {number} of the archive is an archive; pack the exports themselves")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataRefused("the archive is packed in an unusual way; pack it with the usual method (deflate)")
    _limit(found, packed_size)
    return sorted(found, key=lambda member: member.filename)


def _limit(members: list[zipfile.ZipInfo], packed_size: int) -> None:
    if sum(member.file_size for member in members) > max(MAX_RATIO * packed_size, LEAST_LIMIT):
        raise DataRefused(f"unpacks to more than {MAX_RATIO} times its size; send it unpacked")
