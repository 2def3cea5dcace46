"""`databourse check`: each promise beside what was found, offline; a contract that was changed is none."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from registry.odcs import Offered, contract_of
from tests.market.listings.goods import CLEAN, report_on

FEWER = CLEAN[: CLEAN.rstrip().rindex("\n") + 1]


def contract(folder: Path, *, marking: tuple[str, ...] = ()) -> Path:
    offered = Offered(
        listing_id="lst_01",
        product_id="prd_01",
        title="指数",
        status="active",
        category="energy",
        description="",
        scenario="",
        licence_of_data="",
        unit="set",
        price_minor=None,
        delivery_wd=5,
        location="https://exchange.example/api/v1/listings/lst_01",
        marking=marking,
    )
    path = folder / "contract.odcs.yaml"
    path.write_bytes(contract_of(report_on(CLEAN), offered))
    return path


def check(file: Path, by: Path, *more: str) -> Result:
    return CliRunner().invoke(
        app, ["check", str(file), "--contract", str(by), *more], env={"DATABOURSE_TOKEN": ""}
    )


def copy(folder: Path, raw: bytes) -> Path:
    path = folder / "copy.csv"
    path.write_bytes(raw)
    return path


def test_the_copy_that_was_sold_keeps_every_promise(tmp_path: Path) -> None:
    said = check(copy(tmp_path, CLEAN.encode()), contract(tmp_path))
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert lines[-1] == "every promise is kept"
    assert [line.split()[1] for line in lines[:5]] == ["file_sha256", "bytes", "method", "schema", "rows"]
    assert {line.split()[0] for line in lines[:-1]} == {"PASS"}


@pytest.mark.parametrize(
    ("raw", "failed"),
    [
        (FEWER.encode(), {"file_sha256", "bytes", "rows"}),
        (b"county,month,index\n440101,2025-01,\xff\n", {"file_sha256", "bytes", "measured"}),
    ],
    ids=["a row less", "broken encoding"],
)
def test_another_copy_keeps_not_all_of_them(tmp_path: Path, raw: bytes, failed: set[str]) -> None:
    said = check(copy(tmp_path, raw), contract(tmp_path))
    assert said.exit_code == 1, said.output
    lines = said.output.splitlines()
    assert lines[-1] == "NOT what was promised"
    assert failed <= {line.split()[1] for line in lines if line.startswith("FAIL")}


def test_a_marked_copy_has_a_digest_of_its_own(tmp_path: Path) -> None:
    said = check(
        copy(tmp_path, CLEAN.replace("101.1", "101.2").encode()), contract(tmp_path, marking=("index",))
    )
    assert said.exit_code == 0, said.output
    assert [line.split()[1] for line in said.output.splitlines() if line.startswith("OPEN")] == [
        "file_sha256",
        "bytes",
    ]
    assert "may be marked" in said.output


def test_a_contract_that_was_changed_is_none(tmp_path: Path) -> None:
    file, by = copy(tmp_path, CLEAN.encode()), contract(tmp_path)
    whole = by.read_text()
    for wrong, code in (
        (whole.replace('"mustBe": 120', '"mustBe": 100'), "contract-broken"),
        (
            whole.replace('"rows",\n      "value": 120', '"rows",\n      "value": 100').replace(
                '"mustBe": 120', '"mustBe": 100'
            ),
            "contract-changed",
        ),
        ("schema: [not ours]\n", "contract-broken"),
    ):
        assert wrong != whole
        by.write_text(wrong)
        said = check(file, by)
        assert (said.exit_code, said.stdout) == (2, "")
        assert said.stderr.startswith(code)
    changed = json.loads(whole[whole.index("{") :])
    by.write_text(json.dumps(changed))  # written anew by another tool, and the same
    assert check(file, by).exit_code == 0


def test_what_cannot_be_read_or_stated_says_so(tmp_path: Path) -> None:
    file, by = copy(tmp_path, CLEAN.encode()), contract(tmp_path)
    assert check(tmp_path / "missing.csv", by).exit_code == 2
    assert check(file, tmp_path / "missing.yaml").exit_code == 2
    assert check(file, by, "--sign", "key.json").exit_code == 2
    no_token = check(file, by, "--trade", "trd_01")
    assert no_token.exit_code == 2
    assert "DATABOURSE_TOKEN" in no_token.stderr
