"""Networks that are known to be abroad: who asks from one of them reads there, wherever its seat is.

An address proves no place at home, so its absence here opens nothing; its presence closes. The authority
keeps the list, version by version; the web room says of each request where it came from.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any, Final

from sqlmodel import col, func, select

from base.db import ReadSession, WriteSession
from base.errors import Malformed
from ledger.recording import Act, record
from ledger.statement import Draft
from market.customs import repository
from market.customs.errors import DeclarationMalformed, DeclarationWrongRole
from market.customs.rules import country_of
from market.customs.states import OFFICER
from market.customs.tables import NetworksRow

MOST: Final = 5_000
ASKED_FROM: Final[ContextVar[str | None]] = ContextVar("customs_asked_from", default=None)
"""The address that the request under way came from; None outside a request."""
_Network = IPv4Network | IPv6Network
_NAT64: Final = IPv6Network("64:ff9b::/96")


async def place_asked_from(s: ReadSession) -> str | None:
    """The country that this request comes from, where the list in force knows its network as abroad."""
    address = ASKED_FROM.get()
    if address is None:
        return None
    newest = select(NetworksRow.version, NetworksRow.entered_at).order_by(col(NetworksRow.version).desc())
    found = (await s.exec(newest.limit(1))).first()
    if found is None:
        return None
    named = (str(s.get_bind().engine.url), *found)
    held = _HELD.get(named)
    if held is None:
        row = await s.get(NetworksRow, found[0])
        assert row is not None
        _HELD.clear()
        held = _HELD[named] = parse_networks(row.entries)
    return place_in(held, address)


_HELD: Final[dict[tuple[Any, ...], tuple[tuple[_Network, str], ...]]] = {}  # the one list in force, read once


def parse_networks(entries: Sequence[Mapping[str, Any]]) -> tuple[tuple[_Network, str], ...]:
    """Networks with their countries, the narrowest first. Raises DeclarationMalformed, PlaceMalformed."""
    found = []
    for entry in entries:
        try:
            network = ip_network(entry["cidr"])
        except ValueError:
            raise DeclarationMalformed("no network", fields=["entries.cidr"]) from None
        found.append((network, country_of(entry["region"])))
    return tuple(sorted(found, key=lambda one: (-one[0].prefixlen, str(one[0]))))


def place_in(networks: Sequence[tuple[_Network, str]], address: str) -> str | None:
    """The country of an address, or of a subscriber's network; None where not known, or the mainland's.

    An IPv6 address with an IPv4 one in it (mapped, 6to4, NAT64) is both: either of them may be abroad.
    """
    try:
        asked = ip_network(address.partition("%")[0], strict=False)
    except ValueError:
        return None
    for one in (asked, *_within(asked)):
        country = next(
            (land for network, land in networks if network.version == one.version and one.overlaps(network)),
            "CN",
        )
        if country != "CN":
            return country
    return None


def _within(asked: _Network) -> tuple[IPv4Network, ...]:
    """The IPv4 address that an IPv6 address, or the first of a network, carries (RFC 4291, 3056, 6052)."""
    first = asked.network_address
    if not isinstance(first, IPv6Address):
        return ()
    inner = first.ipv4_mapped or first.sixtofour
    if inner is None and asked.num_addresses == 1 and first in _NAT64:
        inner = IPv4Address(int(first) & 0xFFFF_FFFF)
    return () if inner is None else (IPv4Network(inner),)


async def enter_networks(
    s: WriteSession, act: Act, *, entries: Sequence[Mapping[str, Any]], source: str
) -> NetworksRow:
    """Enter a version of the list (XBR.NETWORKS), as the authority; it is in force at once, whole.

    Raises DeclarationMalformed, PlaceMalformed, DeclarationWrongRole.
    """
    if act.role not in OFFICER:
        raise DeclarationWrongRole("the authority keeps the register", role=act.role)
    if len(entries) > MOST:
        raise Malformed("too many networks", member="entries", limit=MOST)
    parse_networks(entries)
    await repository.lock_group(s, group_id="networks")
    before = (await s.exec(select(func.max(NetworksRow.version)))).one() or 0
    row = NetworksRow(
        version=before + 1,
        entries=[dict(one) for one in entries],
        source=source,
        entered_by=act.actor.org_id,
        entered_at=act.occurred_at,
    )
    s.add(row)
    await s.flush()
    public = {"version": row.version, "lines": len(row.entries), "source": source}
    await record(
        s, act, Draft("XBR.NETWORKS", act.actor.org_id, public=public, opening={"entries": row.entries})
    )
    return row


async def networks_in_force(s: ReadSession) -> NetworksRow | None:
    """The newest version."""
    return (await s.exec(select(NetworksRow).order_by(col(NetworksRow.version).desc()).limit(1))).first()
