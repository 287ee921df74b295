"""Tables on disk: a part for each block that was read, and all parts joined at the end."""

import csv
import shutil
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

Columns = dict[str, list]  # the first one, file or index, and those of `sources.Row`
_IN_A_GROUP = 256  # parts: with 4096 images each, a million rows and about ten MB


class Format(Protocol):
    """A kind of file."""

    def write_part(self, path: Path, columns: Columns) -> None:
        """Write some rows."""

    def join(self, path: Path, parts: Iterable[Path]) -> None:
        """Write the table, with a few parts in memory at a time."""


class Csv:
    """CSV in UTF-8, with a header line. Parts have no header."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def write_part(self, path: Path, columns: Columns) -> None:
        """See `Format`."""
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(zip(*columns.values(), strict=True))

    def join(self, path: Path, parts: Iterable[Path]) -> None:
        """See `Format`."""
        with path.open("wb") as file:
            file.write(",".join(self._names).encode() + b"\n")
            for part in parts:
                with part.open("rb") as rows:
                    shutil.copyfileobj(rows, file)


class Parquet:
    """Parquet, many parts per row group, because readers first load a list of all groups."""

    def __init__(self, names: list[str]) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "a Parquet table needs pyarrow: pip install 'digitlab[scale]'; or name a .csv file"
            ) from error
        self._arrow: Any = pyarrow
        types = {"index": pyarrow.int64(), "confidence": pyarrow.float32()}
        self._schema = pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in names])

    def write_part(self, path: Path, columns: Columns) -> None:
        """See `Format`."""
        table = self._arrow.table(columns, schema=self._schema)
        self._arrow.parquet.write_table(table, path)

    def join(self, path: Path, parts: Iterable[Path]) -> None:
        """See `Format`."""
        with self._arrow.parquet.ParquetWriter(path, self._schema) as writer:
            rest = iter(parts)
            while some := list(islice(rest, _IN_A_GROUP)):
                tables = [self._arrow.parquet.ParquetFile(part).read() for part in some]
                writer.write_table(self._arrow.concat_tables(tables))


FORMATS: dict[str, type[Csv] | type[Parquet]] = {".csv": Csv, ".parquet": Parquet}


def as_format(path: Path, names: list[str]) -> Format:
    """Return the format of a table by its file's ending.

    Raises:
        ValueError: The file's name has the wrong ending.
        ModuleNotFoundError: Parquet needs pyarrow.
    """
    if path.suffix not in FORMATS:
        raise ValueError(
            f"expected a table whose name ends in {' or '.join(FORMATS)}, got {path.name}"
        )
    return FORMATS[path.suffix](names)
