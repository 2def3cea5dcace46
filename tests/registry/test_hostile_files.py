"""Broken, foreign and hostile files: each gets its stable code, and none hurts the server."""

import gzip
import os
import random
import select
import subprocess
import sys
import zlib

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from base.errors import Malformed
from registry import measure, reading, records
from registry.confined import run_confined
from registry.declared import Declared
from registry.errors import (
    DeclarationBroken,
    FileEmpty,
    FileEncodingBroken,
    FileNotMeasurable,
    FileNotTabular,
    ReportBroken,
)
from registry.measure import measure_file
from tests.registry.samples import AS_OF, bokeh, column, columns_of, measured_here, nyc

GBK = "城市,值\n广州,1\n".encode("gbk")
NOISE = random.Random(20261116).randbytes(4096)


@pytest.mark.parametrize(
    ("data", "refusal", "facts"),
    [
        (GBK, FileEncodingBroken, {"reason": "utf-8", "offset": 0, "line": 1}),
        (b"a,b\n1,\xff\n", FileEncodingBroken, {"reason": "utf-8", "offset": 6, "line": 2}),
        (b"a,b\n1," + "广".encode()[:2], FileEncodingBroken, {"reason": "utf-8", "offset": 6, "line": 2}),
        ("a,b\n1,2\n".encode("utf-16"), FileEncodingBroken, {"reason": "utf-16"}),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-12], FileEncodingBroken, {"reason": "gzip"}),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:10] + b"no deflate", FileEncodingBroken, {"reason": "gzip"}),
        (b"", FileEmpty, {}),
        (b"\n\r\n  \n", FileEmpty, {}),
        (b"a,b\n", FileEmpty, {"columns": 2}),
        (b"\xef\xbb\xbfa,b\r\n\r\n", FileEmpty, {"columns": 2}),
        (gzip.compress(b"", mtime=0), FileEmpty, {}),
        (b"a,b\n\0\0,2\n", FileNotTabular, {"reason": "binary", "line": 2}),
        (b"%PDF-1.7\n", FileNotTabular, {"reason": "foreign-format"}),
        (b"just some words\nand more\n", FileNotTabular, {"reason": "single-column"}),
        (b'{"a": 1, "b": 2}\n{"a": 3}\n{"a": 4}\n', FileNotTabular, {"reason": "ragged"}),
        (b'a,b\n1,"x"y\n', FileNotTabular, {"reason": "quoting", "line": 2}),
        (b'a,b\n1,2\n3,"never closed\n4,5\n', FileNotTabular, {"reason": "quoting", "line": 4}),
        (b"a,b\r1,2\r3,4\r", FileNotTabular, {"reason": "quoting"}),
        (b"a,b\n1," + b"x" * 300_000 + b"\n", FileNotTabular, {"reason": "line-too-long", "line": 2}),
        (b'a,b\n1,"' + b"x\n" * 120_000 + b'"\n', FileNotTabular, {"reason": "record-too-long"}),
        (b'a,b\n1,"' + b"x\n" * 150_000 + b'"\n', FileNotTabular, {"reason": "quoting"}),
        (
            b",".join([b"c"] * 501) + b"\n" + b"," * 500 + b"\n",
            FileNotTabular,
            {"reason": "too-many-columns"},
        ),
        (b"a," + b"b" * 201 + b"\n1,2\n", FileNotTabular, {"reason": "name-too-long"}),
        (b"PAR1" + NOISE + b"PAR1", FileNotTabular, {"reason": "parquet"}),
        (b"PAR1", FileNotTabular, {"reason": "parquet"}),
    ],
)
def test_a_bad_file_is_refused_with_its_code_and_place(data, refusal, facts, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(refusal) as refused:
        measured_here(path, Declared(), tmp_path / "scratch")
    assert isinstance(refused.value, Malformed)
    assert {key: refused.value.facts[key] for key in facts} == facts


@pytest.mark.parametrize(
    ("data", "refusal", "code"),
    [
        (GBK, FileEncodingBroken, "file-encoding-broken"),
        (b"", FileEmpty, "file-empty"),
        (NOISE, FileEncodingBroken, "file-encoding-broken"),
        (b"a,b\n1,2,3\n4\n", FileNotTabular, "file-not-tabular"),
    ],
)
async def test_the_refusal_comes_whole_through_the_process_boundary(data, refusal, code, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(refusal) as refused:
        await measure_file(path, Declared(), as_of=AS_OF)
    assert refused.value.code == code
    assert refused.value.detail


async def test_a_real_archive_and_a_real_json_are_no_tables():
    for path in (nyc("flights.csv.zip"), bokeh("us_cities.json.gz")):
        with pytest.raises(FileNotTabular):
            await measure_file(path, Declared(), as_of=AS_OF)


async def test_a_pattern_that_is_not_re2_is_the_declarations_fault(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")
    declared = Declared(columns=(column("a", "text", pattern="(?<=x)y"),))
    with pytest.raises(DeclarationBroken) as refused:
        await measure_file(path, declared, as_of=AS_OF)
    assert refused.value.facts == {"column": "a"}


async def test_a_child_that_dies_is_an_answer_not_a_crash(tmp_path):
    with pytest.raises(FileNotMeasurable) as refused:
        await measure_file(tmp_path / "gone.csv", Declared(), as_of=AS_OF)
    assert refused.value.code == "file-not-measurable"
    assert refused.value.facts == {"exit_code": 1}


def test_a_gzip_bomb_stops_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "MAX_PLAIN_BYTES", 1_000_000)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 500_000))
    assert path.stat().st_size < 10_000
    with pytest.raises(FileNotMeasurable):
        measured_here(path, Declared(), tmp_path / "scratch")


def test_a_file_beyond_the_memory_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("registry.child.MEMORY_MB", 4)
    path = tmp_path / "wide.csv"
    body = "".join(f"{zlib.crc32(b'%d' % i)},{i},{i * 7}\n" for i in range(200_000))
    path.write_text("a,b,c\n" + body)
    with pytest.raises(FileNotMeasurable):
        measured_here(path, Declared(), tmp_path / "scratch")


def test_the_scratch_database_reads_nothing_but_its_file(tmp_path):
    path, other = tmp_path / "it's, mine.csv", tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    other.write_text("secret,b\n1,2\n")
    (tmp_path / "scratch").mkdir()
    with reading.open_scratch(path, tmp_path / "scratch", memory_mb=64) as connection:
        assert reading.load(connection, path, tmp_path / "scratch").rows == 1
        for forbidden in (
            f"SELECT * FROM read_csv('{other}')",
            f"COPY t TO '{tmp_path / 'out.csv'}'",
            f"ATTACH '{tmp_path / 'x.duckdb'}'",
            "SELECT * FROM glob('/*')",
            "SET enable_external_access = true",
            "SET memory_limit = '10GB'",
            "INSTALL httpfs",
            "LOAD httpfs",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(forbidden)
    assert not (tmp_path / "out.csv").exists()


def test_formulas_quotes_and_newlines_stay_the_text_they_were(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_bytes(
        b"name,note\n=cmd|' /C calc'!A0,\"two\nlines\"\n"
        b'@SUM(1+1),"say ""hi"""\n+1,-2\n\'; DROP TABLE t; --,x\n'
    )
    report = measured_here(path, Declared(), tmp_path / "scratch")
    assert report.sample == (
        ("=cmd|' /C calc'!A0", "two\nlines"),
        ("@SUM(1+1)", 'say "hi"'),
        ("+1", "-2"),
        ("'; DROP TABLE t; --", "x"),
    )
    assert report.document["table"]["ragged_rows"] == 0


def test_hostile_names_of_columns_are_only_names(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text('"a\'); DROP TABLE t; --","""b""",a\n1,2,3\n', encoding="utf-8")
    report = measured_here(path, Declared(), tmp_path / "scratch")
    assert report.header == ("a'); DROP TABLE t; --", '"b"', "a")
    assert report.document["table"]["rows"] == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_line_ends_and_marks_do_not_change_the_counts(delimiter, tmp_path):
    lines = [["城市", "x,y", "n"], ["广州", "1;2", "7"], ["深圳", "a|b", "8"]]
    text = [delimiter.join(f'"{cell}"' for cell in line) for line in lines]
    seen = []
    for number, (mark, end) in enumerate([(b"", "\n"), (b"\xef\xbb\xbf", "\r\n"), (b"", "\n\n")]):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(mark + end.join(text).encode())
        report = measured_here(path, Declared(), tmp_path / f"scratch{number}")
        seen.append((report.header, report.sample, report.document["file"]["delimiter"]))
    assert seen == [(("城市", "x,y", "n"), (("广州", "1;2", "7"), ("深圳", "a|b", "8")), delimiter)] * 3


def test_one_declared_column_is_a_table(tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("code\nA1\n\nB2\n")
    report = measured_here(path, Declared(columns=(column("code", "text"),)), tmp_path / "scratch")
    assert report.rows == 2


def test_parquet_types_become_forms_and_nested_columns_are_refused(tmp_path):
    flat, nested = tmp_path / "flat.parquet", tmp_path / "nested.parquet"
    pq.write_table(
        pa.table(
            {
                "n": pa.array([1, None, 3], pa.int32()),
                "d": pa.array([1.5, float("nan"), 2.0]),
                "t": pa.array([0, 1_000_000, None], pa.timestamp("us", tz="UTC")),
                "b": [True, False, True],
                "s": ["x", "", "007"],
            }
        ),
        flat,
    )
    columns = columns_of(measured_here(flat, Declared(), tmp_path / "one"))
    assert {name: c["inferred_type"] for name, c in columns.items()} == {
        "n": "integer",
        "d": "decimal",
        "t": "datetime",
        "b": "boolean",
        "s": "text",
    }
    assert {name: c["missing"] for name, c in columns.items()} == {"n": 1, "d": 1, "t": 1, "b": 0, "s": 1}
    pq.write_table(pa.table({"a": [1], "l": [[1, 2]]}), nested)
    with pytest.raises(FileNotTabular) as refused:
        measured_here(nested, Declared(), tmp_path / "two")
    assert refused.value.facts == {"reason": "nested", "columns": ["l"]}


def python(code):
    return [sys.executable, "-c", code]


def ends(pid):
    """Whether a process that was killed is gone, or goes within a minute."""
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watch], [], [], 60)[0])
    finally:
        os.close(watch)


async def test_the_child_runs_without_the_servers_environment(tmp_path, monkeypatch):
    """A secret that is not there cannot be told by a parser gone wrong."""
    monkeypatch.setenv("DATABOURSE_MASTER_KEY", "not for you")
    counted = python("import os, sys; sys.exit(sum(k.startswith('DATABOURSE') for k in os.environ))")
    assert await run_confined(counted, tmp_path, 60) == 0


async def test_a_child_killed_by_the_system_is_an_answer_too(tmp_path):
    killed = await run_confined(python("import os; os.kill(os.getpid(), 9)"), tmp_path, 60)
    with pytest.raises(FileNotMeasurable) as refused:
        measure._collect(tmp_path, killed)
    assert refused.value.facts == {"exit_code": -9}


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes as Linux does")
async def test_what_outlives_its_time_is_killed_with_its_children(tmp_path):
    code = "import os, pathlib, time\nos.fork()\npathlib.Path(str(os.getpid())).touch()\ntime.sleep(600)"
    with pytest.raises(TimeoutError):
        await run_confined(python(code), tmp_path, 2)
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 2
    assert all(ends(pid) for pid in pids)


async def test_a_childs_words_are_checked_like_a_strangers(tmp_path):
    (tmp_path / "report.json").write_bytes(b'{"score": "100.0"}')
    (tmp_path / "sample.json").write_bytes(b"[]")
    with pytest.raises(ReportBroken):
        measure._collect(tmp_path, 0)


async def test_a_sketch_that_is_none_is_not_taken_from_a_child(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    report = await measure.measure_file(path, Declared(), as_of=AS_OF)
    (tmp_path / "report.json").write_bytes(report.canonical)
    for sketch in ("null", '["x"]', "7"):
        (tmp_path / "sample.json").write_text(f'{{"sample": [], "sketch": {sketch}}}')
        with pytest.raises(FileNotMeasurable):
            measure._collect(tmp_path, 0)


def test_limits_bind_the_process_that_sets_them():
    code = (
        "import resource as r; from registry.confined import confine; confine(7); "
        "print([r.getrlimit(k)[0] for k in (r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_CORE, r.RLIMIT_FSIZE)])"
    )
    done = subprocess.run(python(code), capture_output=True, check=True, text=True)
    assert done.stdout == f"{[2 * 1024**3, 7, 0, 8 * 1024**3]}\n"
