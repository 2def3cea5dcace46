"""The answer itself: exact where it may be, as noisy as it says where it must be, and nothing else leaves."""

import asyncio
import math
import os
import signal
from collections import Counter
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.delivery.sandbox import holding, running
from market.delivery.sandbox.answering import Engine
from market.delivery.sandbox.child import BEGUN
from market.delivery.sandbox.errors import QuestionRefused, RunBrokenOff, SandboxDown
from market.delivery.sandbox.forms import form_from
from market.delivery.sandbox.noise import noisy, scale_of, threshold_of, told_groups
from market.delivery.sandbox.parsing import parse
from market.delivery.sandbox.telling import as_csv
from registry.confined import module_command
from tests.market.delivery.asking import plain, terms, write_table

ROWS = ", ".join(
    f"('{county}', '2025-0{1 + n % 2}-01', '{kwh}', '{n}', '{name}')"
    for county, many in (("440104", 4), ("440106", 3), ("440305", 2), ("110000", 5))
    for n, kwh, name in ((n, "1000" if n == 3 else f"{n}.25", f"firm {n}") for n in range(many))
)


@pytest.fixture
def table(tmp_path):
    path = write_table(tmp_path / "t.parquet", ROWS + ", ('440104', NULL, 'x', '', NULL)")
    with path.open("rb") as file:
        yield file.fileno()


DEAR = {"epsilon_query_micro": 10**8, "epsilon_total_micro": 10**8, "min_group": 1}


def told(table, text, allowed, epsilon=0):
    answer = Engine(table).answer(
        form_from(parse(text), allowed).document(), allowed.document(), epsilon_micro=epsilon
    )
    return answer["rows"]


def test_an_exact_answer_clips_leaves_out_small_groups_and_sorts(table):
    everything = (
        "select county, count(*) n, count(kwh) k, sum(kwh), avg(kwh), count(distinct firms) from data"
    )
    assert told(table, f"{everything} group by county order by n desc", plain()) == [
        ["440104", 5, 4, "104.25", "26.0625", 4],  # 1000 is clipped to 100.5; x is no number
        ["440106", 3, 3, "3.75", "1.2500", 3],
    ]
    assert told(table, "select count(*) from data where kwh > 0.25 and not county = '110000'", plain()) == [
        [6]
    ]
    assert told(table, "select count(*) from data where firms in (0, 1) or month is null", plain()) == [[9]]
    assert told(table, "select sum(kwh) from data where kwh = 1000", plain(min_group=2)) == [["201.00"]]
    assert told(table, "select count(*) from data where name = 'firm 4'", plain()) == []  # one row: nothing
    by_month = "select month, count(*) n from data group by month order by month desc limit 1"
    assert told(table, by_month, plain()) == [["2025-02-01", 6]]
    assert told(table, "select sum(kwh) from data where firms = 9 or month is null", plain(min_group=2)) == []


def test_a_unit_counts_with_so_many_rows(table):
    one = plain(unit_column="name", unit_rows=1, min_group=2)
    assert told(table, "select count(*) from data", one) == [[6]]  # firms 0 to 4, and the rows without a name
    assert told(table, "select count(*) from data", plain(unit_column="name", unit_rows=2)) == [[10]]


def test_exact_numbers_are_of_so_many_rows_with_a_value_and_of_so_many_units(table):
    few = "select count(*), count(kwh), count(distinct firms), sum(kwh) from data where county = '440104'"
    assert told(table, few, plain(min_group=4)) == [[5, 4, 4, "104.25"]]
    assert told(table, few, plain(min_group=5)) == [[5, None, None, None]]
    firm = plain(unit_column="name", unit_rows=4, min_group=3)
    assert told(table, "select count(*) from data where firms = 0", firm) == []  # four rows of one firm
    assert told(table, "select count(*) from data where firms < 3", firm) == [[11]]


def test_the_smallest_group_counts_units_with_a_value_and_not_rows(tmp_path):
    """Three firms, of which one alone has values: its sum was told, for it has rows enough."""
    rows = ", ".join(f"('440104', '2025-01-01', '{5 + n}', '1', 'one')" for n in range(4))
    rows += ", ('440104', '2025-01-01', NULL, '1', 'two'), ('440104', '2025-01-01', '', '1', 'three')"
    firm = plain(unit_column="name", unit_rows=4, min_group=3)
    with write_table(tmp_path / "u.parquet", rows).open("rb") as file:
        asked = "select count(*), count(kwh), sum(kwh), avg(kwh), count(firms) from data"
        assert told(file.fileno(), asked, firm) == [[6, None, None, None, 6]]
        by_rows = plain(min_group=3)
        assert told(file.fileno(), "select count(*), sum(kwh) from data", by_rows) == [[6, "26.00"]]


def test_a_noisy_answer_tells_declared_groups_and_says_how_noisy_it_is(table):
    dear = terms(epsilon_query_micro=10**8, epsilon_total_micro=10**8, min_group=1)
    text = "select county, count(*) n, sum(kwh) s, avg(kwh) a from data group by county order by county"
    answer = Engine(table).answer(
        form_from(parse(text), dear).document(), dear.document(), epsilon_micro=10**8
    )
    assert [row[:2] for row in answer["rows"]] == [["440104", 5], ["440106", 3], ["440305", 2]]
    noise = {column["name"]: column["noise"] for column in answer["columns"]}
    assert noise["county"] == []
    assert noise["n"] == [{"measured": "ROWS", "laplace_scale": "0.0400000"}]  # a quarter of ε is 25
    assert noise["s"] == [{"measured": "SUM", "laplace_scale": "4.02000"}]  # 100.5 over 25
    assert all(-10 <= float(row[3]) <= 100.5 for row in answer["rows"])
    assert told(table, text, terms(min_group=10**6), 10**6) == []


def test_groups_that_were_not_declared_are_told_above_a_threshold_alone(tmp_path):
    many = ", ".join(["('440104', '2025-01-01', '1', '1', 'a')"] * 400)
    path = write_table(tmp_path / "m.parquet", f"{many}, ('440104', '2025-06-01', '1', '1', 'alone')")
    dear = terms(epsilon_query_micro=10**8, epsilon_total_micro=10**8, min_group=1, delta_pico=1_000)
    with path.open("rb") as file:
        rows = told(file.fileno(), "select month, count(*) from data group by month", dear, 10**7)
    assert rows == [["2025-01-01", 400]]  # at ε 10 the noise is 0.1; a group of one is below any threshold


FOUND = "select name, count(*) n from data group by name"


def groups_of(tmp_path, sizes):
    rows = ", ".join(
        f"('440104', '2025-01-01', '1', '1', 'g{n}')" for n, many in enumerate(sizes) for _ in range(many)
    )
    return write_table(tmp_path / f"{len(sizes)}-{sum(sizes)}.parquet", rows)


def test_however_many_groups_are_found_no_run_breaks_off_for_it(tmp_path, monkeypatch):
    """A buyer asks for one group more or less than are held: before, one of the two runs was broken off."""
    monkeypatch.setattr(holding, "MAX_FOUND", 10)
    dear = terms(**(DEAR | {"columns": [{"name": "name", "group": True}]}))
    for many in (9, 10, 11, 12):
        with groups_of(tmp_path, [1] * many).open("rb") as file:
            assert told(file.fileno(), FOUND, dear, 10**7) == []  # below any threshold
    with groups_of(tmp_path, [40, 2, 1, *[30] * 7]).open("rb") as file:  # 253 rows: groups of 26 are held
        noiseless = told(file.fileno(), FOUND, dear, 10**8)
    assert sorted(noiseless) == [["g0", 40], *[[f"g{n}", 30] for n in range(3, 10)]]


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=30),
    at=st.integers(0, 30),
    unit_rows=st.integers(1, 5),
    least=st.integers(1, 20),
)
def test_one_unit_moves_the_groups_that_are_held_as_little_as_all_groups(sizes, at, unit_rows, least):
    """What is counted above a public bound, of neighbours: nowhere further apart than their own rows."""
    before = dict(enumerate(sizes))
    after = before | {at: before.get(at, 0) + unit_rows}
    held = [{key: n - (least - 1) for key, n in one.items() if n >= least} for one in (before, after)]
    apart = {key: abs(held[0].get(key, 0) - held[1].get(key, 0)) for key in before.keys() | after.keys()}
    assert sum(apart.values()) <= unit_rows
    assert all(n >= 1 for one in held for n in one.values())
    rows = sum(after.values())
    assert sum(n >= holding.least_rows(rows) for n in after.values()) <= holding.MAX_FOUND


def test_a_question_that_a_limit_could_break_off_is_refused_by_what_is_public_alone(table, monkeypatch):
    """Fifteen rows are too many where the limits say so, whatever is asked of which of them."""
    monkeypatch.setattr(holding, "MOST_HELD_BYTES", 15 * 112 - 1)
    distinct = "select count(distinct firms) from data where name = '{}'"
    for name in ("firm 1", "nobody"):
        with pytest.raises(QuestionRefused) as refused:
            told(table, distinct.format(name), plain(min_group=2))
        assert refused.value.facts["reason"] == "table-too-large"
    assert told(table, "select count(*) from data", plain()) == [[15]]  # nothing is held of a row
    monkeypatch.setattr(holding, "MOST_WORK_NS", 100)
    with pytest.raises(QuestionRefused):
        told(table, "select count(*) from data", plain())


def test_a_number_beyond_all_bounds_is_the_furthest_one_and_no_number_is_none(tmp_path):
    cells = ("1e17", "123456789012345678901234", "-9e30", "1e400", "nan", "inf", "1.005", "")
    rows = ", ".join(f"('440104', '2025-01-01', '{cell}', '1', 'a')" for cell in cells)
    with write_table(tmp_path / "n.parquet", rows).open("rb") as file:
        asked = "select count(*) n, count(kwh) k, sum(kwh) from data"
        assert told(file.fileno(), asked, plain()) == [[8, 4, "192.01"]]  # 2 × 100.5 − 10 + 1.01
        assert told(file.fileno(), f"{asked} where kwh > 1000", plain(min_group=2)) == [[2, 2, "201.00"]]


def test_the_threshold_is_the_lowest_that_costs_no_more_than_delta():
    for share, rows, delta in ((1_000_000, 1, 1_000_000), (100_000, 5, 1), (5_000_000, 100, 1_000)):
        scale = scale_of(rows, share)
        threshold = threshold_of(scale, unit_rows=rows, delta_pico=delta)
        assert threshold > rows
        assert told_groups({"one unit": rows}, unit_rows=rows, share_micro=share, delta_pico=delta) in (
            {},
            {"one unit": threshold},
        )
    wide = threshold_of(10.0, unit_rows=1, delta_pico=1)
    assert wide > threshold_of(10.0, unit_rows=1, delta_pico=1_000_000) > 100


RUNS = 30_000


def test_the_noise_is_discrete_laplace_of_the_scale_that_it_says():
    """P(|X| = k) = (1 − p)/(1 + p) · p^k (twice for k > 0), p = e^(−1/scale).

    The bounds are Hoeffding's at 10⁻¹² for each frequency, so that a right sampler fails once in 10¹⁰ runs.
    """
    scale = scale_of(3, 1_500_000)
    assert 2 <= scale < 2.000001
    drawn = Counter(noisy([100] * RUNS, sensitivity=3, share_micro=1_500_000))
    p = math.exp(-1 / scale)
    bound = math.sqrt(math.log(2 / 1e-12) / (2 * RUNS))
    for k in range(8):
        one_side = (1 - p) / (1 + p) * p**k
        for value in {100 + k, 100 - k}:
            assert abs(drawn[value] / RUNS - one_side) < bound, k
    beyond = sum(count for value, count in drawn.items() if abs(value - 100) > 20)
    assert abs(beyond / RUNS - 2 * p**21 / (1 + p)) < bound


def test_two_answers_that_differ_by_one_row_are_told_apart_no_better_than_epsilon_lets_them():
    """A differencing attack: the best guess from one count is right with e^ε/(1 + e^ε) at most."""
    half = RUNS // 4
    with_it = noisy([10] * half, sensitivity=1, share_micro=500_000)
    without = noisy([9] * half, sensitivity=1, share_micro=500_000)
    right = sum(one >= 10 for one in with_it) + sum(one <= 9 for one in without)
    at_most = math.exp(0.5) / (1 + math.exp(0.5))
    slack = math.sqrt(math.log(1e12) / (2 * 2 * half))
    assert right / (2 * half) < at_most + slack
    assert right / (2 * half) > 0.5 + slack  # and the attack does see something


def test_more_epsilon_is_less_noise_and_none_is_free():
    spreads = []
    for share in (100_000, 1_000_000, 10_000_000):
        drawn = noisy([0] * 2_000, sensitivity=1, share_micro=share)
        spreads.append(sum(map(abs, drawn)))
    assert all(more > less * 3 for more, less in pairwise(spreads))


def test_a_table_of_an_answer_calculates_nothing():
    answer = {
        "columns": [
            {"name": "=x", "aggregate": None, "noise": []},
            {"name": "n", "aggregate": "COUNT", "noise": []},
        ],
        "rows": [["=1+1", -3], ["a,b", None]],
    }
    assert as_csv(orjson.dumps(answer)) == "'=x,n\r\n'=1+1,-3\r\n\"a,b\",\r\n"


JOB = {"form": None, "terms": None, "epsilon_micro": 0}


def job(text, allowed):
    return {
        "form": form_from(parse(text), allowed).document(),
        "terms": allowed.document(),
        "epsilon_micro": 0,
    }


async def test_the_process_of_a_question_has_no_way_out(table):
    told_ = await running.answered(job("select count(*) from data", plain()), table)
    assert told_["rows"] == [[15]]
    assert set(told_["walls"]) <= {"calls", "files", "network"}


INSIDE = """
import os, socket, sys
from pathlib import Path
from market.delivery.sandbox.answering import Engine
from market.delivery.sandbox.confining import close_the_files, leave_the_network, refuse_calls
left = leave_the_network()
table = int(sys.argv[1])
engine = Engine(table)
walls = {"network": left, "files": close_the_files(table), "calls": refuse_calls()}
def tried(work):
    try:
        work()
    except BaseException as error:
        return type(error).__name__
    return "done"
database = engine._database
attempts = {
    "socket": lambda: socket.socket(),
    "read": lambda: open("/etc/hostname").read(),
    "write": lambda: open("/tmp/databourse-escape", "w"),
    "descriptor": lambda: os.open("/tmp", os.O_RDONLY),
    "fork": lambda: os.fork(),
    "program": lambda: os.execv("/bin/true", ["true"]),
    "environment": lambda: os.environ["HOME"],
    "sql file": lambda: database.execute("SELECT * FROM read_text('/etc/hostname')").fetchall(),
    "sql attach": lambda: database.execute("ATTACH '/tmp/x.db'"),
    "sql copy": lambda: database.execute("COPY (SELECT 1) TO '/tmp/databourse-escape'"),
    "sql set": lambda: database.execute("SET enable_external_access = true"),
    "sql load": lambda: database.execute("LOAD httpfs"),
    "table": lambda: database.execute(f"FROM read_parquet('/proc/self/fd/{table}')").fetchall(),
}
found = {name: tried(work) for name, work in attempts.items()}
os.write(1, repr((walls, found)).encode())
"""


async def test_who_breaks_out_of_the_database_stands_before_the_walls_of_the_process(table):
    child = await asyncio.create_subprocess_exec(
        *module_command("x")[:3],
        "-c",
        INSIDE,
        str(table),
        env={"PYTHONPATH": str(running._ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
        pass_fds=(table,),
    )
    output, _ = await child.communicate()
    walls, found = eval(output)
    assert found.pop("table") == "done"
    assert found.pop("environment") == "KeyError"
    if not walls["calls"]:
        del found["socket"], found["write"], found["fork"], found["program"]
    if not walls["files"]:
        del found["read"], found["descriptor"]
    assert "done" not in found.values(), (walls, found)


async def test_what_a_hostile_child_says_is_not_believed(monkeypatch, table, tmp_path):
    """A process that was taken over answers nonsense, too much, or nothing."""
    for body, error in (
        ("", SandboxDown),
        ("import sys; sys.stdout.write('begun\\n')", RunBrokenOff),
        ("import sys; sys.stdout.write('begun\\n' + 'x' * 3_000_000)", RunBrokenOff),
        ("import sys; sys.stdout.write('begun\\n[1]')", RunBrokenOff),
        ("import sys; sys.stdout.write('begun\\n{}'); sys.exit(1)", RunBrokenOff),
        ("import os; os.kill(os.getpid(), 9)", SandboxDown),
        ('import sys; sys.stdout.write(\'begun\\n{"refused": {"facts": {"reason": 7}}}\')', QuestionRefused),
    ):
        monkeypatch.setattr(
            running, "module_command", lambda *_, body=body: [*module_command("x")[:1], "-SEs", "-c", body]
        )
        with pytest.raises(error):
            await running.answered(JOB, table)


async def test_a_run_that_takes_too_long_is_killed_with_all_that_it_started(monkeypatch, table):
    body = "import os, time; os.write(1, b'begun\\n' + str(os.getpid()).encode()); time.sleep(600)"
    seen = []
    spoken = running._spoken

    async def listening(child, document):
        seen.append(child.pid)
        return await spoken(child, document)

    monkeypatch.setattr(running, "_spoken", listening)
    monkeypatch.setattr(running, "module_command", lambda *_: [*module_command("x")[:1], "-SEs", "-c", body])
    with pytest.raises((RunBrokenOff, SandboxDown)):
        await running.answered(JOB, table, timeout_s=0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(seen[0], signal.SIGCONT)
    assert BEGUN == b"begun\n"
