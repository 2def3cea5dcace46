"""Which exempt declarations customs looks at: a lot that can be drawn again, and a score that is explained.

The lot is SHA-256 over the root of the log, the declaration's id, and a secret of the exchange to which the
statement of the declaration commits, and which the statement of its route opens: whoever has those draws the
same. The exporter knows no lot when it declares, also when it declares again; the exchange has chosen before.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from market.customs.declared import Declaration
from market.customs.routing import Facts, Way
from market.customs.terms import term

_OF: Final = 10_000


def lot_commitment(salt: str) -> str:
    """What the statement of a declaration says of the secret that its lot is drawn with."""
    return hashlib.sha256(f"databourse/customs-lot-secret/1\n{salt}\n".encode()).hexdigest()


def lot_of(root: str, declaration_id: str, salt: str) -> int:
    """0 to 9999; below `random_check` of the table a declaration is looked at."""
    drawn = hashlib.sha256(f"databourse/customs-lot/2\n{root}\n{declaration_id}\n{salt}\n".encode()).digest()
    return int.from_bytes(drawn[:8], "big") % _OF


@dataclass(frozen=True, slots=True)
class Risk:
    """Points with their reasons, the lot, and whether customs looks."""

    points: int
    reasons: tuple[str, ...]
    lot: int
    drawn: bool
    looks: bool


def assess(
    said: Declaration,
    facts: Facts,
    way: Way,
    *,
    root: str,
    declaration_id: str,
    salt: str,
    trouble: int,
    with_list: bool,
    sampled: int = 0,
    spared: bool = False,
    sold_on: bool = False,
    unlike: str | None = None,
    by_contract: bool = False,
) -> Risk:
    """The risk of a declaration. `trouble` counts what of this group was halted, revoked or rejected before.

    `with_list`: the persons are counted from a list of hashes. `sampled`: as many a scan of the goods takes
    to be in them, where they are declared whole. `spared`: only persons whom several lists name keep it from
    a stricter route. `sold_on`: the exporter bought these goods here. `unlike`: its lists were held
    against the goods, and are not those of their persons, or that could not be done. What the exchange drew
    up itself of a contract without personal data takes no part in the lot: nothing was left to the exporter.
    """
    near = term("XBD-RISK", "near_threshold", facts.at).whole
    limit = term("XBD-COUNT", "contract_from", facts.at).whole
    close = way is Way.EXEMPT_SMALL and facts.counts.persons * 100 >= limit * (100 - near)
    claimed = way.exempt and said.ground.value != "NONE"
    found = [
        (30, "before-halted", trouble > 0),
        (30, "near-threshold", close),
        (20, "no-list-of-persons", way is Way.EXEMPT_SMALL and not with_list and said.persons >= limit // 10),
        # Hashes of others than those in the data would lower the count of what comes after them.
        (50, "spared-by-lists", spared),
        (50, "fewer-than-sampled", said.persons + said.sensitive_persons < sampled),
        (20, "passed-on", bool(said.onward)),
        (50, "sold-on", sold_on),
        (50, unlike or "", unlike is not None),
        # Whoever claims a ground has attached its proof himself: of personal data an officer reads it.
        (50 if said.personal and way is not Way.EXEMPT_ZONE else 20, "ground-claimed", claimed),
        (10, "remote-access", said.mode.value == "REMOTE_ACCESS"),
        (30, "no-scan", said.personal and (said.trade_id or said.product_id) is None),
    ]
    points = sum(weight for weight, _, there in found if there)
    reasons = tuple(f"{reason}+{weight}" for weight, reason, there in found if there)
    lot = lot_of(root, declaration_id, salt)
    drawn = not by_contract and lot < term("XBD-RISK", "random_check", facts.at).whole
    looks = drawn or points >= term("XBD-RISK", "check_from", facts.at).whole
    return Risk(points, reasons, lot, drawn, looks)
