"""A product's file as a table: its rows as they are, made once, and nothing hostile gets through."""

import asyncio
import gzip
from datetime import UTC, date, datetime, time
from decimal import Decimal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from base.files import FileStore, StoredFile
from market.delivery import tabular
from market.delivery.tabling import child
from market.delivery.tabular import NotATable, shape_of, stored, table_of
from market.orders.parts import WHOLE, Comparison, Condition, View, view_from
from registry.errors import FileEncodingBroken, FileNotMeasurable, FileNotTabular
from tests.databases import on_sqlite

MIXED = """id,code,rate,day,moment,local,paid,note,Note,
1,007,0.5,2026-01-31,2026-01-31T08:00:00+08:00,2026-01-31 08:00:00,true,,x,a
2,008,NA,2026-02-01,2026-02-01T00:00:00Z,2026-02-01 00:00:00,FALSE,NA,,b
,100,1e3,,,,,"=1+1, ""q"" ",z,c
"""


@pytest.fixture
async def database(tmp_path, sqlite_template):
    async with on_sqlite(sqlite_template, tmp_path / "tabular.db") as database:
        yield database


@pytest.fixture
def files(tmp_path, clock):
    return FileStore(tmp_path / "files", bytes(32), clock)


async def put(files: FileStore, raw: bytes) -> StoredFile:
    async def chunks():
        yield raw

    return await files.put(chunks(), limit_bytes=2**30)


@pytest.fixture
def here(monkeypatch):
    """The child's work done in this process, for what is not about the child; tells how often."""
    runs = []

    async def run(command, work, timeout_s):
        runs.append(command)
        view = WHOLE
        if "--view" in command:
            view = view_from(orjson.loads((work / "view.json").read_bytes()))
        (work / "scratch").mkdir()
        said = child.write_table(work / "data", work / "scratch", work / "table.parquet", view)
        (work / "said.json").write_bytes(orjson.dumps(said))
        return 0

    monkeypatch.setattr(tabular, "run_confined", run)
    return runs


def written(tmp_path, raw):
    """What the child writes of these bytes, read back."""
    (tmp_path / "data").write_bytes(raw)
    scratch, out = tmp_path / "scratch", tmp_path / "table.parquet"
    scratch.mkdir()
    child.write_table(tmp_path / "data", scratch, out)
    return pq.read_table(out)


def parquet(table, **options):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def test_columns_have_the_narrowest_type_that_all_their_cells_have(tmp_path):
    table = written(tmp_path, MIXED.encode())
    assert {field.name: str(field.type) for field in table.schema} == {
        "id": "int64",
        "code": "string",  # a code with leading zeros is no number
        "rate": "double",
        "day": "date32[day]",
        "moment": "timestamp[us, tz=UTC]",
        "local": "timestamp[us]",  # of no zone, and none is made up
        "paid": "bool",
        "note": "string",
        "Note_2": "string",  # tools do not tell names apart by their case
        "column_10": "string",
    }
    assert table.to_pylist()[0]["moment"] == datetime(2026, 1, 31, tzinfo=UTC)
    assert table.to_pylist()[1] == {
        "id": 2,
        "code": "008",
        "rate": None,
        "day": date(2026, 2, 1),
        "moment": datetime(2026, 2, 1, tzinfo=UTC),
        "local": datetime.fromisoformat("2026-02-01"),
        "paid": False,
        "note": "NA",  # in a text it may be Namibia
        "Note_2": None,
        "column_10": "b",
    }
    assert table.to_pylist()[2]["note"] == '=1+1, "q" '


def test_what_a_type_would_change_stays_text(tmp_path):
    kinds = {
        "999999999999999999": "int64",
        "9999999999999999999": "string",
        "-0": "double",
        "+1": "string",
        "1e999": "string",
        "2026-02-30": "string",
        "2026-02-28T25:00:00Z": "string",
        "0.1234567890123456": "double",
        "01.5": "string",
        "yes": "string",
    }
    names = ",".join(f"c{place}" for place in range(len(kinds)))
    table = written(tmp_path, f"{names}\n{','.join(kinds)}\n".encode())
    assert {cell: str(field.type) for cell, field in zip(kinds, table.schema, strict=True)} == kinds


def test_names_that_are_given_twice_do_not_take_anothers(tmp_path):
    names = written(tmp_path, b"a,a,A,a_2,\n1,2,3,4,5\n").column_names
    assert names == ["a", "a_3", "A_4", "a_2", "column_5"]


def test_a_parquet_file_keeps_its_types_but_for_those_not_every_tool_has(tmp_path):
    kinds = [
        ("u", pa.uint64(), 2**64 - 1, "decimal128(20, 0)", Decimal(2**64 - 1)),
        ("s", pa.int16(), -3, "int16", -3),
        ("d", pa.decimal128(9, 2), Decimal("1.10"), "decimal128(9, 2)", Decimal("1.10")),
        ("f", pa.float32(), 0.5, "float", 0.5),
        ("t", pa.time64("us"), time(8), "string", "08:00:00"),
        ("b", pa.binary(), b"\x00\xff", "binary", b"\x00\xff"),
    ]
    source = pa.table({name: pa.array([value], kind) for name, kind, value, *_ in kinds})
    table = written(tmp_path, parquet(source))
    assert [str(field.type) for field in table.schema] == [kind for *_, kind, _ in kinds]
    assert table.to_pylist() == [{name: value for name, *_, value in kinds}]


def test_a_ragged_csv_is_a_table_of_the_records_that_fit(tmp_path):
    table = written(tmp_path, b"a,b\n1,2\n3\n4,5,6\n7,8\n9,10\n")
    assert table.to_pydict() == {"a": [1, 7, 9], "b": [2, 8, 10]}


@pytest.mark.parametrize(
    ("raw", "refusal", "reason"),
    [
        ("城市,值\n广州,1\n".encode("gbk"), FileEncodingBroken, "utf-8"),
        ("a,b\n1,2\n".encode("utf-16"), FileEncodingBroken, "utf-16"),
        (b"a,b\n1\n2\n3,4\n", FileNotTabular, "ragged"),
        (b'a,b\n"1,2\n', FileNotTabular, "quoting"),
        (b"PAR1" + bytes(100) + b"PAR1", FileNotTabular, "parquet"),
        (b"%PDF-1.7 a,b", FileNotTabular, "foreign-format"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], FileEncodingBroken, "gzip"),
        (parquet(pa.table({"a": [1], "l": [[1, 2]]})), FileNotTabular, "nested"),
        (parquet(pa.table({"a": [1], "l": [{"x": 1}]})), FileNotTabular, "nested"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, raw, refusal, reason):
    with pytest.raises(refusal) as refused:
        written(tmp_path, raw)
    assert refused.value.facts["reason"] == reason
    assert not (tmp_path / "table.parquet").exists()


def test_a_small_file_that_stands_for_very_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "MAX_PLAIN_BYTES", 10_000_000)
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), ["x" * 10_000])
    bomb = parquet(pa.table({"a": words}), compression="zstd")
    assert len(bomb) < 5000
    with pytest.raises(FileNotMeasurable) as refused:
        written(tmp_path, bomb)
    assert refused.value.detail == "too large when unpacked"


async def test_a_table_is_made_once_and_found_again(database, files, tmp_path, monkeypatch):
    runs: list[object] = []

    async def counted(*arguments):
        runs.append(arguments)
        return await run_confined(*arguments)

    run_confined = tabular.run_confined
    monkeypatch.setattr(tabular, "run_confined", counted)
    file = await put(files, MIXED.encode())
    asked = [table_of(database, files, file, scratch=tmp_path) for _ in range(3)]
    first, *others = await asyncio.gather(*asked)
    again = await table_of(database, files, await put(files, MIXED.encode()), scratch=tmp_path)
    assert [again, *others] == [first] * 3
    assert len(runs) == 1
    await files.copy_to(first, tmp_path / "read")
    assert pq.read_table(tmp_path / "read").num_rows == 3
    shape = await shape_of(database, files, file, scratch=tmp_path)
    assert (shape.rows, shape.columns[:2]) == (3, (("id", "BIGINT"), ("code", "VARCHAR")))
    assert not list(tmp_path.glob("table-*"))  # no plaintext is left
    assert not tabular._making


async def test_a_refused_file_leaves_nothing_and_says_why(database, files, tmp_path):
    file = await put(files, b"a,b\n1\n2\n3,4\n")
    stored = sorted((tmp_path / "files").rglob("fil_*"))
    with pytest.raises(NotATable) as refused:
        await table_of(database, files, file, scratch=tmp_path)
    assert refused.value.facts == {"reason": "ragged"}
    assert sorted((tmp_path / "files").rglob("fil_*")) == stored
    assert not list(tmp_path.glob("table-*"))


async def test_of_two_processes_the_first_ones_table_stands(database, files, tmp_path, here):
    file = await put(files, MIXED.encode())
    asked = [tabular._made(database, files, file, tmp_path, WHOLE) for _ in range(2)]
    one, other = await asyncio.gather(*asked)
    assert stored(one) == stored(other) == await table_of(database, files, file, scratch=tmp_path)
    assert len(list((tmp_path / "files").rglob("fil_*"))) == 2  # the file and its table


async def test_who_gives_up_does_not_take_it_from_the_others(database, files, tmp_path, here):
    file = await put(files, MIXED.encode())
    one = asyncio.create_task(table_of(database, files, file, scratch=tmp_path))
    other = asyncio.create_task(table_of(database, files, file, scratch=tmp_path))
    await asyncio.sleep(0)
    one.cancel()
    assert (await other).bytes > 0
    assert len(here) == 1


async def test_a_child_that_takes_too_long_or_lies_is_refused(database, files, tmp_path, monkeypatch):
    file = await put(files, MIXED.encode())
    monkeypatch.setattr(tabular, "TIMEOUT_S", 0.05)
    with pytest.raises(NotATable) as refused:
        await table_of(database, files, file, scratch=tmp_path)
    assert refused.value.facts["reason"] == "timeout"

    async def lies(command, work, timeout_s):
        (work / "table.parquet").write_bytes(b"no table at all")
        return 0

    monkeypatch.setattr(tabular, "run_confined", lies)
    with pytest.raises(NotATable) as refused:
        await table_of(database, files, file, scratch=tmp_path)
    assert refused.value.facts["reason"] == "broken-off"


def test_a_childs_words_are_checked_like_a_strangers(tmp_path):
    said = tmp_path / "said.json"
    for words, reason in ((b'{"reason": 7, "code": "file-empty"}', "file-empty"), (b"[" * 99, "broken-off")):
        said.write_bytes(words)
        assert tabular._reason_in(tabular._said(said)) == reason
    for words in (b"{}", b'{"rows": "1", "columns": [["a", "DATE"]]}', b'{"rows": 1, "columns": [["a"]]}'):
        said.write_bytes(words)
        assert tabular._shape_said(tabular._said(said)) is None


async def test_of_a_part_nothing_else_is_in_the_table(database, files, tmp_path, here):
    file = await put(files, MIXED.encode())
    view = View(
        ("NOTE", "id"),
        (Condition("day", Comparison.GE, ("2026-01-31",)), Condition("id", Comparison.IN, ("1", "7"))),
    )
    assert view_from(view.document()) == view
    part = await table_of(database, files, file, scratch=tmp_path, view=view)
    whole = await table_of(database, files, file, scratch=tmp_path)
    assert part != whole
    assert part == await table_of(database, files, file, scratch=tmp_path, view=view)
    await files.copy_to(part, tmp_path / "part")
    assert pq.read_table(tmp_path / "part").to_pylist() == [{"id": 1, "note": None}]
    assert b"007" not in (tmp_path / "part").read_bytes()


@pytest.mark.parametrize(
    "view",
    [
        View(("id", "nobody")),
        View(rows=(Condition("nobody", Comparison.EQ, ("1",)),)),
        View(rows=(Condition("id", Comparison.EQ, ("1) OR (1=1",)),)),
        View(('id" FROM t; --',)),
    ],
)
async def test_a_part_that_the_table_does_not_have_is_refused(tmp_path, view):
    (tmp_path / "data").write_bytes(parquet(pa.table({"id": [1, 2]})))
    (tmp_path / "scratch").mkdir()
    with pytest.raises(FileNotTabular):
        child.write_table(tmp_path / "data", tmp_path / "scratch", tmp_path / "out", view)
