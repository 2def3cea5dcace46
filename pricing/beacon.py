"""A public beacon of the drand network, as a seed nobody knew while bids were taken.

What is checked is the form: the chain is a known one, the randomness is the SHA-256 of the signature, and
the round was due after the close. The BLS signature itself is not verified here: anyone can ask the
network for the round that the quote names. Constants as published by the League of Entropy
(https://docs.drand.love/docs/dev-guide/3-4-dev-guide-http-api, `/info` of each chain).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from base.canonical import sha256_hex
from base.clock import rfc3339
from pricing.errors import BeaconBeforeClose, BeaconMalformed
from pricing.facts import Facts


@dataclass(frozen=True, slots=True)
class Chain:
    """When round 1 was due, how often a round comes, and how many bytes its signature has."""

    genesis: int
    period_s: int
    signature_bytes: int


CHAINS: Final = {
    "8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce": Chain(1595431050, 30, 96),
    "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971": Chain(1692803367, 3, 48),
}
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+", re.ASCII)


def due_at(chain: Chain, number: int) -> datetime:
    """The moment at which a round is published; raises BeaconMalformed beyond the calendar."""
    try:
        return datetime.fromtimestamp(chain.genesis, UTC) + timedelta(seconds=(number - 1) * chain.period_s)
    except OverflowError:
        raise BeaconMalformed("no such round", round=str(number)) from None


def read_beacon(read: Facts, *, closes_at: datetime) -> str:
    """The fact `beacon` (`chain`, `round`, `randomness`, `signature`) as a seed in hex.

    Raises BeaconMalformed, BeaconBeforeClose, Malformed.
    """
    beacon = read.object("beacon")
    name, number = beacon.text("chain"), beacon.count("round")
    randomness, signature = beacon.text("randomness"), beacon.text("signature", most=400)
    beacon.close()
    chain = CHAINS.get(name)
    if chain is None:
        raise BeaconMalformed("no such chain", chain=name, known=sorted(CHAINS))
    if not _HEX.fullmatch(signature) or len(signature) != 2 * chain.signature_bytes:
        raise BeaconMalformed("the signature is not of its chain's form", chain=name)
    if sha256_hex(bytes.fromhex(signature)) != randomness:
        raise BeaconMalformed("the randomness is not the SHA-256 of the signature", round=str(number))
    due = due_at(chain, number)
    if due <= closes_at:
        raise BeaconBeforeClose(
            "the round was due before the bids closed", due_at=rfc3339(due), closes_at=rfc3339(closes_at)
        )
    return randomness
