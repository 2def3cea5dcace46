"""`docs/erasure.md` lists what the code knows: every ground with who relies on it, every refusal."""

import re
from pathlib import Path

from cases import errors
from cases.retention import BASES, BASIS_LIST
from ledger.erasure import ERASED, OpeningErasedBefore

PAGE = (Path(__file__).parents[2] / "docs" / "erasure.md").read_text(encoding="utf-8")


def test_every_ground_is_on_the_page_with_its_law_and_who_relies_on_it() -> None:
    assert f"`{BASIS_LIST}`" in PAGE
    rows = re.findall(r"^\| `([A-Z0-9-]+)` \| (.*?): .* \| (\w+) \|$", PAGE, re.MULTILINE)
    told = {code: (law, who) for code, law, who in rows}
    assert told == {
        basis.code: (basis.law, "operator" if "EXCHANGE_OPERATOR" in basis.roles else "authority")
        for basis in BASES.values()
    }
    assert all(set(basis.says) == {"zh", "en"} for basis in BASES.values())


def test_every_refusal_is_on_the_page() -> None:
    kinds = (
        errors.OpeningInUse,
        errors.OpeningUnderCase,
        errors.RetentionNotOver,
        errors.KeptByLaw,
        errors.ErasureBeyondPower,
        OpeningErasedBefore,
    )
    section = PAGE.partition("## When it is refused")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == {kind.code for kind in kinds}
    assert ERASED in PAGE
