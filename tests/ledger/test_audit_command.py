"""The audit against a database, its modes, and the command."""

import json
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
import typer
from typer.testing import CliRunner

from cli.audit import audit as audit_command
from cli.audit import told
from cli.audit_progress import progress_bar
from ledger.bundle import Edition
from ledger.checkpoint import NoteSigner
from supervision.audit import audit
from supervision.audit_report import Code
from tests.ledger.audited import first, found, spoken
from tests.ledger.make_bundle import ORIGIN, VKEY, dsse, key, story


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = story(1)
    log.kept = [5, 13]
    log.witnesses = [NoteSigner("witness.example", key("witness"))]
    return log.write(tmp_path_factory.mktemp("audit") / "bundle")


# --- the database


def rows() -> list[dict[str, object]]:
    return [
        {
            "trade_id": f"trd_{number:04}",
            "status": "SETTLED",
            "seller_id": "org_seller",
            "buyer_id": "org_buyer",
            "broker_id": "org_broker",
            "amount_minor": 68_000_000,
        }
        for number in range(3)
    ]


def test_a_database_that_agrees_is_clean(tmp_path: Path) -> None:
    assert audit(story().write(tmp_path / "b"), [VKEY], rows=iter(rows())).clean


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "FUNDED"),
        ("seller_id", "org_other"),
        ("broker_id", None),
        ("amount_minor", 68_000_001),
        ("amount_minor", None),
    ],
)
def test_what_the_database_says_otherwise_is_named(tmp_path: Path, name: str, value: object) -> None:
    changed = rows()
    changed[1][name] = value
    report = audit(story().write(tmp_path / "b"), [VKEY], rows=changed)
    assert [problem.code for problem in report.problems] == [Code.DB_MISMATCH]
    assert f"trd_0001 {name}: database {value}, ledger" in report.problems[0].why


def test_trades_on_one_side_only_are_named(tmp_path: Path) -> None:
    other = {**rows()[0], "trade_id": "trd_9999"}
    report = audit(story().write(tmp_path / "b"), [VKEY], rows=[*rows()[1:], other])
    assert sorted(problem.why for problem in report.problems) == [
        "trd_0000 is on the ledger and not in the database",
        "trd_9999 is in the database and not on the ledger",
    ]


def test_amounts_are_not_compared_where_the_edition_does_not_carry_them(tmp_path: Path) -> None:
    changed = rows()
    changed[1]["amount_minor"] = 1
    bundle = story().write(tmp_path / "b", edition=Edition.PUBLIC)
    assert audit(bundle, [VKEY], rows=changed).clean
    changed[1]["status"] = "FUNDED"
    assert not audit(bundle, [VKEY], rows=changed).clean


# --- modes and the command


def test_an_audit_of_checkpoints_alone_leaves_statements_out(tmp_path: Path) -> None:
    log = spoken(actor="org_seller", role="BUYER", signer=key("org_seller"))
    bundle = log.write(tmp_path / "b")
    report = audit(bundle, [VKEY], signatures=False)
    assert report.clean
    assert report.document()["checked"]["signatures"] is None
    assert "openings" in report.document()["left_out"]
    assert "left out, as asked: the parties' signatures and keys" in told(report)
    assert audit(bundle, [VKEY]).document()["left_out"] == []
    path = bundle / "tile/entries/000.p/10"
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    assert first(audit(bundle, [VKEY], signatures=False)) == ("HASH", 9)


def test_a_database_is_not_compared_by_an_audit_that_reads_no_statement(small: Path) -> None:
    result = command(small, "--vkey", VKEY, "--no-signatures", "--db", "sqlite+aiosqlite:///nothing.db")
    assert result.exit_code == 2
    assert "--no-signatures" in result.output


def test_an_entry_whose_members_stand_in_another_order_is_found_without_its_statement(tmp_path: Path) -> None:
    log = story(1)
    entries = log.entries()
    entries[20] = entries[20].replace(b',"v":1}', b"}").replace(b'{"at":', b'{"v":1,"at":', 1)
    bundle = log.write(tmp_path / "b", entries=entries)
    assert first(audit(bundle, [VKEY], signatures=False)) == ("HASH", 20)


HEAD, LATER = b'{"at":"2026-11-16T03:00:00.000Z",', b'{"at":"9999-99-99T99:99:99.999Z",'


@pytest.mark.parametrize("at", [20, 256, 270], ids=["first tile", "first of a tile", "later tile"])
@pytest.mark.parametrize(
    "forge",
    [
        lambda entry, tail: HEAD + b"no JSON \xff" + tail,
        lambda entry, tail: LATER + b"no JSON \xff" + tail,
        lambda entry, tail: b"garbage",
        lambda entry, tail: entry[: -len(tail)] + b" " + tail,
        lambda entry, tail: entry[:-1] + b"]",
        lambda entry, tail: b" " + entry,
    ],
)
def test_what_is_no_entry_is_found_without_its_statement(tmp_path: Path, forge, at: int) -> None:
    log = story(22)
    log.envelopes = log.envelopes[: at + 1]
    entries = log.entries()
    entries[at] = forge(entries[at], entries[at][entries[at].index(b',"node":') :])
    bundle = log.write(tmp_path / "b", entries=entries)
    assert ("HASH", at) in found(audit(bundle, [VKEY], signatures=False))


def test_many_problems_are_counted_and_the_first_are_kept(tmp_path: Path) -> None:
    log = story()
    log.envelopes[1:] = [dsse(b"{}", key("stranger")) for _ in range(40)]
    report = audit(log.write(tmp_path / "b", openings={}), [VKEY])
    assert report.counts[Code.HASH] == 40
    assert len([problem for problem in report.problems if problem.code is Code.HASH]) == 20


def command(*args: object):
    app = typer.Typer()
    app.command()(audit_command)
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_the_command_says_clean_and_exits_0(small: Path) -> None:
    result = command(small, "--vkey", VKEY)
    assert result.exit_code == 0
    assert result.output.splitlines()[:2] == [
        f"{ORIGIN}, 25 entries, root {audit(small, [VKEY]).root}",
        "CLEAN",
    ]


def test_the_command_warns_when_nothing_is_pinned_and_exits_0(small: Path) -> None:
    result = command(small)
    assert result.exit_code == 0
    assert "CLEAN but UNPINNED" in result.output
    assert "warning: UNPINNED" in result.output


def test_the_command_names_the_first_problem_and_exits_1(tmp_path: Path) -> None:
    bundle = spoken(actor="org_seller", role="BUYER", signer=key("org_seller")).write(tmp_path / "b")
    result = command(bundle, "--vkey", VKEY)
    assert result.exit_code == 1
    assert "NOT CLEAN: KEY seq 9: the key of org_seller does not speak in the role 'BUYER'" in result.output
    document = json.loads(command(bundle, "--vkey", VKEY, "--json").output)
    assert document["first"]["code"] == "KEY"
    assert document["first"]["seq"] == 9


def test_the_command_takes_a_checkpoint_seen_earlier(tmp_path: Path) -> None:
    log = story()
    seen = tmp_path / "seen"
    seen.write_bytes(log.checkpoint(log.entries()))
    older = story(2).write(tmp_path / "b")
    result = command(older, "--vkey", VKEY, "--last-checkpoint", seen)
    assert result.exit_code == 1
    assert "ANCHOR" in result.output


def test_the_command_refuses_what_is_no_key(small: Path) -> None:
    result = command(small, "--vkey", "nonsense")
    assert result.exit_code == 2
    assert "verifier key" in result.output


# --- the report as JSON


SCHEMA = json.loads((Path(__file__).parents[2] / "docs/audit-report.schema.json").read_text())


def test_the_report_is_of_the_published_form(small: Path, tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    bad = spoken(actor="org_seller", role="BUYER", signer=key("org_seller")).write(tmp_path / "b")
    (bad / "tile/0/000.p/10").write_bytes(b"")
    asked = [
        (small, "--vkey", VKEY),
        (small,),
        (bad, "--vkey", VKEY),
        (bad, "--no-signatures"),
        (small, "--vkey", VKEY, "--state", tmp_path / "state"),
        (small, "--vkey", VKEY, "--state", tmp_path / "state"),
    ]
    for arguments in asked:
        document = json.loads(command(*arguments, "--json").stdout)
        validator.validate(document)
        assert set(document) == set(SCHEMA["properties"])
    assert document["resumed_from"] == 0
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(document | {"counts": {"SOMETHING": 1}})


def test_every_code_is_in_the_published_form() -> None:
    assert set(SCHEMA["$defs"]["problem"]["properties"]["code"]["enum"]) == {str(code) for code in Code}


# --- the bar


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_shown_where_somebody_looks_on(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with progress_bar() as tell:
        assert tell is not None
        for done in (0, 100, 200, 50, 200):  # a second audit begins anew
            tell(done, 200)
    assert "auditing" in screen.getvalue()
    assert "200/200" in screen.getvalue()
    assert "entries/s" in screen.getvalue()


def test_no_bar_is_shown_where_nobody_does(small: Path) -> None:
    assert command(small, "--vkey", VKEY).stderr == ""
