"""A leaked copy names its delivery, also when it was cut, sorted, converted, or put together of two."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from market.delivery.marking.code import Plan
from market.delivery.marking.tracing import (
    Copy,
    FileNotTraceable,
    ProofBroken,
    copy_of_proof,
    proof_of,
    trace_file,
)
from tests.market.delivery.marking.tables_of import (
    HEADER,
    SOURCE,
    csv_of,
    keys_of,
    marked,
    named_in,
    rows_of,
    write_csv,
)
from tests.market.delivery.marking.test_writing import read_csv

ROWS = rows_of(1600)
BUYERS = ("ent_a", "ent_b", "ent_c", "ent_d")
Table = list[list[str]]


class Copies:
    """The copies of four buyers, made once."""

    def __init__(self, folder: Path) -> None:
        self.source = write_csv(folder / "source.csv", ROWS)
        self.paths = {name: folder / f"{name}.csv" for name in BUYERS}
        self.plan: Plan = [marked(self.source, path, name).plan for name, path in self.paths.items()][-1]
        self.tables = {name: read_csv(path.read_bytes())[1:] for name, path in self.paths.items()}

    def named(self, rows: Table, names: tuple[str, ...] = HEADER) -> set[str]:
        return named_in(BUYERS, self.plan, [[*row] for row in rows], names)

    @property
    def known(self) -> list[Copy]:
        return [Copy(name, SOURCE, self.plan, keys_of(name)) for name in BUYERS]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(tmp_path_factory.mktemp("copies"))


def test_the_copy_names_its_delivery_and_the_source_nobody(made: Copies) -> None:
    assert made.named(made.tables["ent_b"]) == {"ent_b"}
    assert made.named(ROWS) == set()
    assert made.named(rows_of(1600, seed=99)) == set()


def a_tenth(rows: Table) -> tuple[Table, tuple[str, ...]]:
    return random.Random(1).sample(rows, len(rows) // 10), HEADER


def without_columns(rows: Table) -> tuple[Table, tuple[str, ...]]:
    return [[row[2], row[1]] for row in rows], ("lat", "city")


def one_column(rows: Table) -> tuple[Table, tuple[str, ...]]:
    return [[row[3]] for row in rows], ("lon",)


def rounded(rows: Table) -> tuple[Table, tuple[str, ...]]:
    return [[row[0], row[1], f"{float(row[2]):.1f}", f"{float(row[3]):.0f}", row[4]] for row in rows], HEADER


def rewritten(rows: Table) -> tuple[Table, tuple[str, ...]]:
    """As another program writes it: no zeros at the ends of numbers, nothing for NA, other cities."""
    cells = [[str(int(row[0])), row[1].upper(), *(repr(float(one)) for one in row[2:4])] for row in rows]
    last = ["" if row[4] == "NA" else f"{row[4]}.0" for row in rows]
    return [[*row, amount] for row, amount in zip(cells, last, strict=True)], HEADER


@pytest.mark.parametrize("attack", [a_tenth, without_columns, one_column, rounded, rewritten])
def test_a_copy_that_was_worked_on_names_its_delivery(
    made: Copies, attack: Callable[[Table], tuple[Table, tuple[str, ...]]]
) -> None:
    rows, names = attack(made.tables["ent_c"])
    assert made.named(rows, names) == {"ent_c"}
    assert made.named(*attack(ROWS)) == set()


def test_a_copy_whose_last_places_are_gone_names_nobody(made: Copies) -> None:
    rows = [[*row[:2], f"{float(row[2]):.2f}", f"{float(row[3]):.2f}", "0"] for row in made.tables["ent_a"]]
    assert made.named(rows) == set()


@pytest.mark.parametrize("together", [("ent_a", "ent_b"), ("ent_a", "ent_c", "ent_d")])
def test_copies_put_together_name_their_buyers_alone(made: Copies, together: tuple[str, ...]) -> None:
    rnd = random.Random(2)
    tables = [made.tables[name] for name in together]
    mixed = [[rnd.choice(cells) for cells in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)]
    found = made.named(mixed)
    assert found
    assert found <= set(together)


async def test_a_file_is_read_by_a_child_and_judged_by_another(made: Copies, tmp_path: Path) -> None:
    """As Parquet, sorted, without a column; then the copy byte for byte; then the source."""
    table = pa_csv.read_csv(made.paths["ent_b"], convert_options=pa_csv.ConvertOptions(null_values=["NA"]))
    leaked = tmp_path / "leaked.parquet"
    pq.write_table(table.sort_by("amount").drop_columns(["city"]), leaked)
    trace = await trace_file(leaked, made.known, candidates=1000)
    assert trace.named == ("ent_b",)
    assert trace.candidates == 1000
    assert trace.verdicts["ent_b"].log10_p < -50
    assert trace.verdicts["ent_a"].log10_p == 0


async def test_renamed_columns_are_found_by_who_says_which_they_are(made: Copies, tmp_path: Path) -> None:
    leaked = tmp_path / "leaked.csv.gz"
    text = csv_of(made.tables["ent_d"], ("a", "b", "c", "LON", "e"))
    leaked.write_bytes(gzip.compress(text.encode()))
    as_found = await trace_file(leaked, made.known)
    told = await trace_file(leaked, made.known, rename={"a": "id", "b": "city", "c": "lat", "e": "amount"})
    assert as_found.named == told.named == ("ent_d",)  # a name in capitals is the same name
    assert told.verdicts["ent_d"].places > 2 * as_found.verdicts["ent_d"].places


async def test_no_copies_and_no_table(made: Copies, tmp_path: Path) -> None:
    assert (await trace_file(made.source, [])).named == ()
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,city\n1,\xff\n")
    with pytest.raises(FileNotTraceable):
        await trace_file(path, made.known)


async def test_a_proof_lets_anyone_make_the_same_test(made: Copies) -> None:
    trace = await trace_file(made.paths["ent_a"], made.known)
    proof = orjson.dumps(proof_of(trace, made.known[0]))
    copy, among = copy_of_proof(proof)
    assert (copy.entitlement_id, among) == ("ent_a", 4)
    assert copy.commitment == made.known[0].commitment
    again = await trace_file(made.paths["ent_a"], [copy], candidates=among)
    assert again.verdicts["ent_a"] == trace.verdicts["ent_a"]
    for member, wrong in (("copy_key", "00" * 32), ("entitlement_id", "ent_z"), ("places_key", "zz")):
        said = orjson.loads(proof)
        said["opening"][member] = wrong
        with pytest.raises(ProofBroken):
            copy_of_proof(orjson.dumps(said))
    with pytest.raises(ProofBroken):
        copy_of_proof(b"[]")
