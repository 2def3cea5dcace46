"""The child that reads tables for the gateway: one question after the other on its standard input.

`python -m market.delivery.gateway.reading FOLDER`. A message is four bytes of length and JSON. It has no
secret, little memory, and its database may open what lies in the folder and nothing else; names are quoted,
values are parameters. A question that breaks it costs its process, which is started again.
"""

import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from market.delivery.gateway.asking import OPERATORS
from registry.confined import confine, without_heavy_libraries

MEMORY_MB: Final = 512
CPU_S: Final = 24 * 3600
_LENGTH: Final = 4
_AT_ONCE: Final = 50
_ROW: Final = "file_row_number"


class Unanswerable(Exception):
    """The table has no such column, or its values are not compared so."""


def main(folder: str) -> None:
    """Answer until the other end closes."""
    confine(CPU_S)
    without_heavy_libraries()
    connection = _database(Path(folder))
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    while (asked := _read(questions)) is not None:
        answers.write(_framed(_answered(connection, asked)))
        answers.flush()


def _database(folder: Path) -> Any:
    import duckdb  # noqa: PLC0415 - after the limits

    connection = duckdb.connect(
        config={
            "threads": "2",
            "memory_limit": f"{MEMORY_MB}MB",
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = true")
    connection.execute(f"SET allowed_directories = [{_text(str(folder))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _read(stream: BinaryIO) -> dict[str, Any] | None:
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    told: dict[str, Any] = orjson.loads(stream.read(int.from_bytes(head)))
    return told


def _framed(content: bytes) -> bytes:
    return len(content).to_bytes(_LENGTH) + content


def _answered(connection: Any, asked: dict[str, Any]) -> bytes:
    """`A` and the answer as it leaves, `R` and why there is none, or `F` for a table that fails."""
    import duckdb  # noqa: PLC0415 - loaded by now

    try:
        return b"A" + _page(connection, asked)
    except Unanswerable as why:
        return b"R" + str(why).encode()
    except duckdb.OutOfMemoryException:  # the question's fault, not the table's
        return b"R" + b"more than can be sorted or passed over at once: ask for less"
    except (duckdb.ConversionException, duckdb.BinderException, duckdb.InvalidInputException):
        return b"R" + b"a value is not of its column's type"
    except duckdb.Error as error:
        return b"F" + type(error).__name__.encode()


def _page(connection: Any, asked: dict[str, Any]) -> bytes:
    source = f"read_parquet({_text(asked['path'])})"
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - quoted
    types = {str(row[0]): str(row[1]) for row in described}
    question = asked["question"]
    if question is None:
        return orjson.dumps({"columns": [{"name": name, "type": kind} for name, kind in types.items()]})
    columns = question["columns"] or list(types)
    for name in (*columns, *[one[0] for one in question["filters"]], question["order"]):
        if name is not None and name not in types:
            raise Unanswerable("there is no such column")
    limit, offset = int(question["limit"]), int(question["offset"])
    sql = f"SELECT {', '.join(map(_name, columns))} FROM {_sorted(asked['path'], types, question)}"  # noqa: S608
    result = connection.execute(
        f"{sql} LIMIT {limit + 1} OFFSET {offset}", [text for _, _, text in question["filters"]]
    )
    rows: list[Any] = []
    size = 0
    while few := result.fetchmany(_AT_ONCE):
        rows += few
        size += len(orjson.dumps(few, default=str))
        if size > asked["most_bytes"]:
            raise Unanswerable("the page is too large: ask for fewer rows or columns")
    return orjson.dumps(
        {
            "columns": [{"name": name, "type": types[name]} for name in columns],
            "rows": rows[:limit],
            "offset": offset,
            "next_offset": offset + limit if len(rows) > limit else None,
        },
        default=str,
    )


def _sorted(path: str, types: dict[str, str], question: dict[str, Any]) -> str:
    """What stands behind FROM: the table, what its rows have to hold, and their order.

    Without an order rows come as they stand in the file; with one, equal ones do.
    """
    source, place, order = f"read_parquet({_text(path)})", _ROW, ""
    if question["order"] is not None:
        if _ROW in types:  # a column of that name: then the rows are numbered as they come
            place = '"\x01"'
            source = f"(SELECT *, row_number() OVER () AS {place} FROM {source})"  # noqa: S608 - quoted
        else:
            source = f"read_parquet({_text(path)}, file_row_number = true)"
        order = f" ORDER BY {_name(question['order'])} {'DESC' if question['descending'] else 'ASC'} "
        order += f"NULLS LAST, {place}"
    where = " AND ".join(
        f"{_name(name)} {OPERATORS[operator]} CAST(? AS {types[name]})"
        for name, operator, _ in question["filters"]
    )
    return f"{source}{' WHERE ' if where else ''}{where}{order}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    main(*sys.argv[1:])
