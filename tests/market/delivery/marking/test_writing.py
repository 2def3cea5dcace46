"""A marked copy is its source but for the last places of the columns that tolerate it."""

import csv
import gzip
import io
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market.delivery.marking.code import is_rare, plan_from, rewritten, units_read, units_written
from market.delivery.marking.planning import Wanted
from market.delivery.marking.rows import marked_rows
from market.delivery.marking.writing import mark_file
from registry.errors import FileNotTabular
from tests.market.delivery.marking.tables_of import (
    HEADER,
    WANTED,
    csv_of,
    keys_of,
    marked,
    named_in,
    rows_of,
    write_csv,
)

ROWS = rows_of(1500)


def read_csv(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode(), newline=""), strict=True))


def test_a_copy_differs_by_one_unit_in_named_columns_alone(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "source.csv", ROWS)
    written = marked(source, tmp_path / "copy.csv", "ent_a")
    copy = read_csv((tmp_path / "copy.csv").read_bytes())
    assert copy[0] == list(HEADER)
    assert len(copy) == 1 + len(ROWS)
    units = {"lat": Decimal("0.0001"), "lon": Decimal("0.0001"), "amount": Decimal(1)}
    changed = 0
    for one, two in zip(ROWS, copy[1:], strict=True):
        for name, before, after in zip(HEADER, one, two, strict=True):
            if before != after:
                assert abs(Decimal(before) - Decimal(after)) == units[name]
                changed += 1
    assert changed == written.changed
    assert 500 < changed < 1500  # of 4,425 cells one in two carries a sign, and half of those have it already
    assert written.places > 1500


def test_every_other_byte_stays(tmp_path: Path) -> None:
    text = '\ufeff id ;note;"x"\r\n' + "".join(
        f'{n};"a ""quoted"";\nnote {n}" ; "{n * 7 % 1000}"\r\n' if n % 3 else f"{n};b;{n * 7 % 1000}\n"
        for n in range(900)
    )
    text += "\n1;too;many;fields\n"
    source = tmp_path / "source.csv"
    source.write_bytes(text.encode())
    wanted = Wanted(("x",), ("id",), {}, ("",))
    marked(source, tmp_path / "copy.csv", "ent_a", wanted)
    raw = (tmp_path / "copy.csv").read_bytes()
    assert raw != source.read_bytes()
    assert len(raw) == pytest.approx(len(text.encode()), abs=8)  # 9 to 10, or 99 to 98, and no more
    blank = {ord(digit): None for digit in "0123456789"}
    assert raw.decode().translate(blank) == text.translate(blank)


def test_the_same_delivery_gives_the_same_bytes_and_another_others(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "source.csv", ROWS)
    packed = tmp_path / "source.csv.gz"
    packed.write_bytes(gzip.compress(source.read_bytes()))
    for name, delivery in (("one", "ent_a"), ("two", "ent_a"), ("three", "ent_b")):
        marked(packed, tmp_path / name, delivery)
    marked(source, tmp_path / "plain", "ent_a")
    one, two, three = ((tmp_path / name).read_bytes() for name in ("one", "two", "three"))
    assert one == two != three
    assert gzip.decompress(one) == (tmp_path / "plain").read_bytes()


def test_parquet_keeps_its_schema_and_rows(tmp_path: Path) -> None:
    rows = rows_of(1500)
    table = pa.table(
        {
            "id": pa.array([int(row[0]) for row in rows], pa.int64()),
            "city": pa.array([row[1] for row in rows]).dictionary_encode(),
            "lat": pa.array([float(row[2]) for row in rows], pa.float32()),
            "lon": pa.array([Decimal(row[3]) for row in rows], pa.decimal128(12, 4)),
            "amount": pa.array([None if row[4] == "NA" else int(row[4]) for row in rows], pa.int32()),
        }
    ).replace_schema_metadata({"made by": "a test"})
    pq.write_table(table, tmp_path / "source.parquet", compression="zstd", row_group_size=500)
    written = marked(tmp_path / "source.parquet", tmp_path / "copy.parquet", "ent_a")
    copy = pq.read_table(tmp_path / "copy.parquet")
    assert copy.schema.equals(table.schema, check_metadata=True)
    assert copy.num_rows == 1500
    assert copy["id"].equals(table["id"])
    assert copy["city"].to_pylist() == table["city"].to_pylist()
    assert {one.scale for one in written.plan.columns} == {0, 4}
    moved = [
        abs(a - b) for a, b in zip(table["lon"].to_pylist(), copy["lon"].to_pylist(), strict=True) if a != b
    ]
    assert len(moved) > 100
    assert set(moved) == {Decimal("0.0001")}
    found = [[None if v is None else str(v) for v in row.values()] for row in copy.to_pylist()]
    assert named_in(("ent_a", "ent_b"), written.plan, found) == {"ent_a"}


def test_bounds_missing_cells_and_odd_numbers_stay(tmp_path: Path) -> None:
    odd = ["NA", "", "007", "+5", "1e3", "-0", "3.5", "abc", "99999999999999999999"]
    rows = [[f"{n}", "x", "90", "1", odd[n % 9] if n < 90 else str(n)] for n in range(1500)]
    source = write_csv(tmp_path / "source.csv", rows)
    marked(source, tmp_path / "copy.csv", "ent_a")
    copy = read_csv((tmp_path / "copy.csv").read_bytes())[1:]
    assert {row[2] for row in copy} == {"90"}  # 91 is out of bounds
    assert [row[4] for row in copy[:90]] == [row[4] for row in rows[:90]]
    assert {row[3] for row in copy} <= {"0", "1"}


@pytest.mark.parametrize(
    "rows",
    [rows_of(50), [["1", "x", "word", "word", "word"]] * 900, [["1", "x", "2.5", "3.5", "7"]] * 900],
    ids=["few rows", "no numbers", "all alike"],
)
def test_what_has_too_few_places_is_not_marked(tmp_path: Path, rows: list[list[str]]) -> None:
    source = write_csv(tmp_path / "source.csv", rows)
    assert mark_file(source, tmp_path / "copy.csv", WANTED, keys_of("ent_a")) is None
    assert not (tmp_path / "copy.csv").exists()


def test_a_quote_that_never_ends_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source.csv"
    source.write_text('id,city,lat,lon,amount\n1,"x,1,2,3\n')
    with pytest.raises(FileNotTabular):
        mark_file(source, tmp_path / "copy.csv", WANTED, keys_of("ent_a"))


def test_rows_handed_out_one_by_one_carry_the_mark_of_the_file(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "source.csv", ROWS)
    written = marked(source, tmp_path / "copy.csv", "ent_a")
    rows = list(marked_rows(HEADER, ROWS, written.plan, keys_of("ent_a")))
    assert csv_of(rows).encode() == (tmp_path / "copy.csv").read_bytes()  # type: ignore[arg-type]
    assert plan_from(written.plan.document()) == written.plan


@pytest.mark.parametrize(
    ("text", "scale", "units"),
    [("12.30", 2, 1230), ("12.3", 2, 1230), ("-0.5", 1, -5), ("7", 0, 7), ("0", 3, 0)],
)
def test_units_are_the_columns_last_place(text: str, scale: int, units: int) -> None:
    assert units_written(text, scale) == units
    assert units_read(text, scale) == units
    assert rewritten(text, units, scale) == text


def test_a_value_of_another_number_format_is_the_same_value() -> None:
    assert units_read("12.300000190734863", 2) == 1230
    assert units_read("1.23e1", 2) == 1230
    assert units_read("12.345", 2) is None
    assert units_read("nan", 2) is None
    assert units_read("1e999", 2) is None
    assert units_written("12.345", 2) is None


def test_the_rarer_sign_is_rare() -> None:
    rare = sum(is_rare(bytes(32), n.to_bytes(16)) for n in range(10_000))
    assert 2000 < rare < 2220
