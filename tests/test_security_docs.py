"""What docs/security.md names as evidence is there: each file, and each test in it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[a-z_0-9/]+\.py)(?:::([a-z_0-9]+))?`", PAGE)))
ASVS = re.findall(r"^\| ((?:\d+\.\d+(?:\.\d+)?(?:[–, ]+)?)+) \|.*\|$", PAGE, re.MULTILINE)
# The bank, witnesses, the province, sellers' interfaces, the bucket. What is added here is so on purpose.
CALLING = {
    "base/bucket.py",
    "ledger/witness_circle.py",
    "market/delivery/gateway/resolving.py",
    "market/delivery/gateway/upstream.py",
    "market/settlement/bank.py",
    "web/api/witness.py",
    "web/node.py",
    "web/witnessing.py",
}
CHAPTERS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}


@cache
def named_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, kinds) and node.name.startswith("test_")
    )


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_what_is_named_as_evidence_is_a_test(file: str, name: str) -> None:
    path = ROOT / file
    assert path.exists(), file
    found = named_in(path)
    assert found, f"{file} has no test"
    assert not name or name in found, f"{file} has no test {name}"


def test_every_chapter_of_the_standard_has_its_rows_with_evidence() -> None:
    assert {int(items.split(".")[0]) for items in ASVS} == CHAPTERS
    assert len(ASVS) >= 70
    for line in PAGE.splitlines():
        if re.match(r"\| \d+\.\d+", line):
            evidence = line.rstrip("| ").rpartition("|")[2]
            assert "`tests/" in evidence or "n/a" in evidence, line[:60]


def test_who_calls_out_is_known_and_nobody_turns_off_the_check_of_certificates() -> None:
    rooms = (
        "base",
        "brokers",
        "cases",
        "identity",
        "ledger",
        "market",
        "pricing",
        "registry",
        "supervision",
        "web",
    )
    calling = re.compile(
        r"^\s*(?:import|from) (?:httpx|httpcore|requests|aiohttp|urllib\.request|obstore)\b", re.MULTILINE
    )
    found = set()
    for path in sorted(ROOT.glob("*/**/*.py")):
        room = path.relative_to(ROOT).parts[0]
        if room not in {*rooms, "bank", "cli"}:
            continue
        written = path.read_text(encoding="utf-8")
        assert not re.search(r"\bverify\s*=\s*False|CERT_NONE|_create_unverified_context", written), path
        if room in rooms and calling.search(written):
            found.add(str(path.relative_to(ROOT)))
    assert found == CALLING
