"""What may be asked: the terms of a listing, the form of a question, and everything that is none."""

import pytest

from market.delivery.sandbox import errors
from market.delivery.sandbox.errors import QuestionRefused
from market.delivery.sandbox.forms import form_from
from market.delivery.sandbox.parsing import parse
from market.delivery.sandbox.planning import Algorithm, Measured, Number, plan_of
from market.delivery.sandbox.rules import Budget, price, require_approved, require_budget
from market.delivery.sandbox.writing import write
from market.listings.errors import ListingMalformed
from market.listings.sandboxing import require_columns, sandbox_from, scaled
from tests.market.delivery.asking import TERMS, plain, terms


def asked(text, allowed=None):
    return form_from(parse(text), allowed or terms())


WIDE = """
    select month, county, count(*) as n, count(distinct firms), sum(kwh), avg(kwh) mean, count(kwh)
    from data
    where (kwh > -1.5 or firms between 1 and 9) and county in ('440106', '440104', '440106')
      and not month >= date '2025-02-01' and name is not null and 3 < firms
    group by county, month order by n desc, mean limit 5 -- and a remark
"""


def test_a_question_is_read_into_one_form_however_it_is_written():
    form = asked(WIDE)
    again = asked(
        'SELECT "month", county, COUNT(*) AS n, count(DISTINCT firms), SUM(kwh), '
        "AVG(kwh) AS mean, COUNT(kwh) FROM Data WHERE name IS NOT NULL AND firms > 3 "
        "AND county IN ('440104','440106') AND "
        "((firms BETWEEN 1 AND 9) OR kwh > -1.50) AND NOT (month >= '2025-02-01') "
        "GROUP BY month, county ORDER BY n DESC, mean LIMIT 5;"
    )
    assert form.document() == again.document()
    assert form.document()["where"] == {
        "and": [
            {"column": "county", "in": ["440104", "440106"]},
            {"column": "firms", "op": ">", "value": "3"},
            {"not": {"column": "month", "op": ">=", "value": "2025-02-01"}},
            {"not": {"column": "name", "is_null": True}},
            {
                "or": [
                    {"between": ["1", "9"], "column": "firms"},
                    {"column": "kwh", "op": ">", "value": "-1.50"},
                ]
            },
        ]
    }
    assert form_from(form.document(), terms()) == form
    assert form.sha256 == again.sha256 != asked("select count(*) from data").sha256


def test_the_seller_sees_what_is_compared_and_not_with_what():
    shown = asked("select count(*) from data where name = 'secret' or kwh between 1 and 2").shown()
    assert shown["where"] == {
        "or": [{"between": "?", "column": "kwh"}, {"column": "name", "op": "=", "value": "?"}]
    }


def test_nothing_of_the_text_reaches_the_database_but_names_of_ours_and_parameters():
    text = "select county, count(*) from data where name = 'x''; DROP TABLE t; --' group by county"
    form = asked(text)
    statement = write(form, plan_of(form, terms(), epsilon_micro=10), terms(), path="/proc/self/fd/9")
    assert "DROP" not in statement.sql
    assert statement.values == ("440104", "440106", "440305", "x'; DROP TABLE t; --")
    assert statement.sql.count("?") == 4


ESCAPES = {
    "attach 'x.db'": "attach",
    "ATTACH 'http://h/x' AS y": "attach",
    "detach data": "detach",
    "copy data to '/tmp/x'": "copy",
    "copy (select * from data) to 's3://b/x'": "copy",
    "pragma database_list": "pragma",
    "set memory_limit = '1TB'": "set",
    "reset all": "reset",
    "install httpfs": "install",
    "load httpfs": "load",
    "force install spatial": "force",
    "export database 'x'": "export",
    "import database 'x'": "import",
    "create table x as select 1": "create",
    "insert into data values (1)": "insert",
    "update data set kwh = 1": "update",
    "delete from data": "delete",
    "drop table data": "drop",
    "alter table data add column x int": "alter",
    "explain select count(*) from data": "explain",
    "describe data": "describe",
    "summarize data": "summarize",
    "show tables": "show",
    "call pragma_version()": "call",
    "use x": "use",
    "vacuum": "vacuum",
    "checkpoint": "checkpoint",
    "values (1)": "values",
    "prepare v as select 1": "prepare",
    "begin": "begin",
    "pivot data on county": "pivot",
    "select count(*) from data; select count(*) from data": "statements",
    "select count(*) from data; attach 'x'": "statements",
    "select count(*) from data union select count(*) from data": "set-operation",
    "with t as (select 1) select count(*) from t": "cte",
    "with recursive t as (select 1 union all select 1 from t) select count(*) from t": "cte",
    "select count(*) from (select * from data)": "subquery",
    "select count(*) from data where county in (select name from data)": "subquery",
    "select count(*) from data where exists (select 1)": "subquery",
    "select (select 1), count(*) from data": "subquery",
    "select count(*) from data where kwh > (select 1)": "subquery",
    "select count(*) from data, data d, data e, data f": "join",
    "select count(*) from data cross join data": "join",
    "select count(*) from data join data d on true": "join",
    "select count(*) from data, lateral (select 1)": "join",
    "select * from data": "row-level",
    "select county from data": "row-level",
    "select county, count(*) from data": "row-level",
    "select county from data group by county": "row-level",
    "from data": "row-level",
    "select distinct county, count(*) from data group by county": "distinct",
    "select sum(kwh) over () from data": "window",
    "select count(*) from data qualify row_number() over () = 1": "window",
    "select count(*) filter (where kwh > 1) from data": "filter",
    "select count(*) from data group by county having count(*) = 1": "having",
    "select count(*) from data group by all": "grouping",
    "select count(*) from data group by rollup (county)": "expression",
    "select count(*) from data group by 1": "expression",
    "select count(*) from data offset 1": "offset",
    "select count(*) from data limit 1 + 1": "limit",
    "select count(*) from data using sample 10%": "sample",
    "select count(*) from data tablesample 10%": "sample",
    "select count(*) from data order by 1": "order",
    "select count(*) from data order by random()": "order",
    "select min(kwh) from data": "function",
    "select max(kwh) from data": "function",
    "select list(kwh) from data": "function",
    "select string_agg(name, ',') from data": "function",
    "select first(name) from data": "function",
    "select median(kwh) from data": "function",
    "select sum(distinct kwh) from data": "function",
    "select sum(kwh + 1) from data": "function",
    "select sum(kwh) + 1 from data": "expression",
    "select count(*), getenv('HOME') from data": "function",
    "select count(*), 1 from data": "expression",
    "select count(*) from data where getenv('HOME') = 'x'": "function",
    "select count(*) from data where regexp_matches(name, '(a+)+$')": "function",
    "select count(*) from data where name similar to '(a+)+'": "expression",
    "select count(*) from data where name like '%x%'": "expression",
    "select count(*) from data where name glob '*'": "expression",
    "select count(*) from data where kwh = kwh": "value",
    "select count(*) from data where kwh + 1 = 2": "expression",
    "select count(*) from data where 1 = 1": "expression",
    "select count(*) from data where true": "expression",
    "select count(*) from data where kwh = 1 / 0": "expression",
    "select count(*) from data where kwh = cast('x' as int)": "function",
    "select count(*) from data where case when kwh > 1 then true end": "function",
    "select count(*) from data where name is distinct from 'x'": "expression",
    "select count(*) from data where name = ?": "expression",
    "select count(*) from data where name = $1": "expression",
    "select count(*) from data where data.name = 'x'": "column",
    "select count(*) from data where columns(*) = 'x'": "function",
    "select count(*) from 'file.csv'": "table",
    "select count(*) from '/etc/passwd'": "table",
    "select count(*) from read_csv('/etc/passwd')": "table",
    "select count(*) from read_parquet('/proc/self/fd/3')": "table",
    "select count(*) from glob('*')": "table",
    "select count(*) from read_text('/etc/hosts')": "table",
    "select count(*) from sqlite_scan('x', 'y')": "table",
    "select count(*) from range(1000000000)": "table",
    "select count(*) from information_schema.tables": "table",
    "select count(*) from main.data": "table",
    "select count(*) from duckdb_settings()": "table",
    "select count(*) from other": "table",
    "select count(*) from dаta": "table",  # a Cyrillic letter
    "select count(*) from data where nаme = 'x'": "column-unknown",
    "select count(*) from data where hidden = 1": "column-unknown",
    "select count(*) from data where rowid = 1": "column-unknown",
    "select sum(name) from data": "column-no-aggregate",
    "select count(distinct kwh) from data": "column-no-distinct",
    "select kwh, count(*) from data group by kwh": "column-no-group",
    "select count(*) from data where kwh = 'x'": "value-type",
    "select count(*) from data where kwh = 1.005": "value-type",
    "select count(*) from data where kwh = 1e999": "value-type",
    "select count(*) from data where kwh = 1e9999999": "value-type",  # beyond a decimal's exponent
    "select count(*) from data where name = 1": "value-type",
    "select count(*) from data where month = '2025-02-30'": "value-type",
    "select count(*) a, count(*) a from data": "name-twice",
    "select count(*) from data limit 0": "limit",
    "select count(*)\u202e from data": "characters",
    "select count(*) from data\x00": "characters",
    "select count(*) from data /* unfinished": "syntax",
    "select count(* from data": "syntax",
    "": "nothing",
    ";": "nothing",
    "select": "table",
    "🂡": "syntax",
}


@pytest.mark.parametrize("text", ESCAPES)
def test_what_is_no_question_is_refused_by_its_name(text):
    with pytest.raises(QuestionRefused) as refusal:
        asked(text)
    assert refusal.value.facts["reason"] == ESCAPES[text]


BOMBS = {
    "a megabyte": "select count(*) from data where name = '" + "x" * 2**20 + "'",
    "many brackets": "select count(*) from data where " + "(" * 3000 + "kwh > 1" + ")" * 3000,
    "brackets below the limit of bytes": "select count(*) from data where "
    + "(" * 400
    + "kwh > 1"
    + ")" * 400,
    "many words": "select count(*) from data where " + " or ".join(["kwh>1"] * 900),
    "many nots": "select count(*) from data where " + "not " * 1000 + "kwh > 1",
    "many signs": "select count(*) from data where kwh = " + "-" * 3000 + "1",
    "many members": "select count(*) from data where kwh in (" + ",".join(["1"] * 500) + ")",
    "many conditions": "select count(*) from data where " + " and ".join(f"kwh > {n}" for n in range(70)),
    "many columns": "select " + ", ".join(f"count(*) as a{n}" for n in range(40)) + " from data",
    "deep, alternating": "select count(*) from data where "
    + "(kwh > 1 and (kwh > 2 or " * 16
    + "kwh > 3"
    + "))" * 16,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_question_that_is_too_large_is_refused_and_breaks_nothing(name):
    with pytest.raises(QuestionRefused) as refusal:
        asked(BOMBS[name])
    assert refusal.value.facts["reason"] in {"too-large", "expression", "syntax"}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"select": [], "where": None, "group_by": [], "order_by": [], "limit": None},
        {"select": [{"name": "a", "column": None, "aggregate": "MAX"}], "where": None} | {"group_by": []},
        {
            "select": [{"name": "a", "column": None, "aggregate": "COUNT"}],
            "where": {"sql": "1=1"},
            "group_by": [],
            "order_by": [],
            "limit": None,
        },
        {
            "select": [{"name": "a", "column": None, "aggregate": "COUNT"}],
            "where": {"column": "kwh", "op": "= 1 OR 1 =", "value": "1"},
            "group_by": [],
            "order_by": [],
            "limit": None,
        },
        {
            "select": [{"name": "a", "column": "kwh", "aggregate": "MEDIAN"}],
            "where": None,
            "group_by": [],
            "order_by": [],
            "limit": True,
        },
    ],
)
def test_a_form_that_no_reader_has_made_is_not_believed(document):
    with pytest.raises(QuestionRefused):
        form_from(document, terms())


def changed(place, **other):
    columns = [dict(column) for column in TERMS["columns"]]
    columns[place] |= other
    return {"columns": columns}


@pytest.mark.parametrize(
    "other",
    [
        {"columns": []},
        {"columns": [{"name": "a"}, {"name": "a"}]},
        {"surprise": 1},
        {"min_group": 0},
        {"epsilon_query_micro": 0},
        {"epsilon_query_micro": 3_000_000},
        {"epsilon_total_micro": 2.5},
        {"delta_pico": None},  # the month is grouped by what is found
        {"delta_pico": 10**9},
        {"mode": "EXACT"},
        {"mode": "PLAIN"},  # with a budget
        {"approval": 1},
        {"unit_rows": 0},
        {"unit_column": ""},
        {"max_queries": 0},
        changed(0, values=["440104"] * 2),
        changed(0, values=["x" * 81]),
        changed(0, group=False),
        changed(1, values=["2025-02-30"]),
        changed(2, low="101"),
        changed(2, low="x"),
        changed(2, low=None, high="nan"),
        changed(2, high="100.505"),
        changed(2, high="99999999999"),
        changed(2, high="1e9999999"),
        changed(2, group=True),
        changed(2, decimals=7),
        changed(3, decimals=1),
        changed(4, low="0", high="1"),
        changed(4, name="a\x00b"),
    ],
)
def test_terms_out_of_their_bounds_are_refused(other):
    with pytest.raises(ListingMalformed):
        sandbox_from(TERMS | other)


def test_terms_are_kept_as_they_were_told_and_ask_for_columns_that_are_there():
    kept = terms(unit_column="firm_id", unit_rows=3)
    assert sandbox_from(kept.document()) == kept
    require_columns(kept, ["county", "month", "kwh", "firms", "name", "firm_id", "more"])
    with pytest.raises(ListingMalformed):
        require_columns(kept, ["county", "month", "kwh", "firms", "name"])
    for twin in ("Name", "name", "FIRM_ID"):  # to the engine they would be one column
        with pytest.raises(ListingMalformed):
            require_columns(kept, ["county", "month", "kwh", "firms", "name", "firm_id", twin])
    assert scaled("-1.5", 2) == -150


def test_a_question_shares_its_price_among_its_numbers_and_one_unit_moves_them_so_far():
    plan = plan_of(asked("select sum(kwh), avg(kwh), count(*) from data"), terms(), epsilon_micro=1_000_001)
    assert plan.numbers == (
        Number(Measured.ROWS),
        Number(Measured.SUM, "kwh"),
        Number(Measured.CENTRED, "kwh"),
        Number(Measured.FILLED, "kwh"),
    )
    assert plan.sensitivities == (1, 10_050, 5_525, 1)  # in hundredths: of −10 to 100.5, and from the middle
    assert (sum(plan.shares_micro), min(plan.shares_micro), plan.delta_pico) == (1_000_001, 250_000, 0)
    three = plan_of(asked("select sum(kwh) from data"), terms(unit_rows=3), epsilon_micro=10)
    assert three.sensitivities == (3, 30_150)
    found = plan_of(asked("select month, count(*) from data group by month"), terms(), epsilon_micro=10)
    assert found.delta_pico == 1_000_000
    assert plan_of(asked("select count(*) from data"), plain(), epsilon_micro=0).epsilon_micro == 0
    with pytest.raises(QuestionRefused):
        plan_of(asked("select sum(kwh), avg(kwh) from data"), terms(), epsilon_micro=3)


def test_the_budget_is_whole_millionths_and_holds_exactly_what_it_holds():
    budget = Budget(spent_micro=1_000_000, held_micro=500_000, questions=3, running=1)
    require_budget(budget, terms(), epsilon_micro=1_000_000)
    with pytest.raises(errors.BudgetSpent) as refusal:
        require_budget(budget, terms(), epsilon_micro=1_000_001)
    assert refusal.value.facts["left_micro"] == 1_000_000
    with pytest.raises(errors.QuestionsUsedUp):
        require_budget(budget, terms(max_queries=4), epsilon_micro=1)
    assert price(None, terms()) == 1_000_000
    assert price(7, terms()) == 7
    for wrong in (0, -1, 1_000_001):
        with pytest.raises(QuestionRefused):
            price(wrong, terms())
    with pytest.raises(QuestionRefused):
        price(1, plain())


def test_what_runs_is_what_was_approved():
    form = asked("select count(*) from data")

    def digest(nonce="n", epsilon=10, allowed=None):
        used = allowed or terms()
        return Algorithm(form, plan_of(form, used, epsilon_micro=epsilon), used, nonce).sha256

    assert digest() == digest()
    assert len({digest(), digest(nonce="m"), digest(epsilon=11), digest(allowed=terms(min_group=4))}) == 4
    asks = terms(approval=True)
    require_approved(terms(), approved_sha256=None, registered=False, runs_sha256="a")
    require_approved(asks, approved_sha256="a", registered=True, runs_sha256="a")
    with pytest.raises(errors.AlgorithmNotApproved):
        require_approved(asks, approved_sha256=None, registered=False, runs_sha256="a")
    with pytest.raises(errors.AlgorithmChanged):
        require_approved(terms(), approved_sha256="b", registered=True, runs_sha256="a")
