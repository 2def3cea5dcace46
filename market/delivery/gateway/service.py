"""The seller says how an interface is answered (DLV.INTERFACE), and keeps the secret it is reached with."""

from collections.abc import Collection, Mapping
from typing import Any

from base.canonical import canonical
from base.db import WriteSession
from base.signing import unwrap, wrap
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from market.delivery.gateway import repository
from market.delivery.gateway.errors import InterfaceNotSold
from market.delivery.gateway.rules import AnsweredBy, check_secret, interface_from
from market.delivery.gateway.tables import InterfaceRow, InterfaceSecret
from market.listings.errors import ListingUnknown
from market.listings.repository import claim_listing
from market.orders.handover import DeliveryMode, modes_of


async def keep_secret(
    s: WriteSession, act: Act, *, header: str, value: str, master: bytes
) -> InterfaceSecret:
    """Keep the secret header of an endpoint under the master key. Nothing is stated: a declaration names it.

    Raises `member-not-active`, InterfaceMalformed.
    """
    await require_member(s, org_id=act.actor.org_id)
    check_secret(header, value)
    secret_id = act.new_id("sec")
    row = InterfaceSecret(
        secret_id=secret_id,
        owner_id=act.actor.org_id,
        header=header,
        sealed=wrap(master, value.encode(), secret_purpose(secret_id)),
        kept_at=act.now,
    )
    s.add(row)
    await s.flush()
    return row


def open_secret(row: InterfaceSecret, *, master: bytes) -> tuple[str, str]:
    """The header and its value, for a call that is about to be made."""
    return row.header, unwrap(master, row.sealed, secret_purpose(row.secret_id)).decode()


def secret_purpose(secret_id: str) -> bytes:
    """What an endpoint's header is bound to."""
    return b"databourse/interface-secret/" + secret_id.encode()


async def declare_interface(
    s: WriteSession, act: Act, *, listing_id: str, document: Mapping[str, Any], hosts: Collection[str] = ()
) -> InterfaceRow:
    """Say how the interface of a listing is answered from now on (DLV.INTERFACE), as its seller.

    A change holds for the rights that are running too; the one before stays on record. Raises ListingUnknown,
    `member-not-active`, InterfaceNotSold, InterfaceMalformed, SecretUnknown.
    """
    listing = await claim_listing(s, listing_id=listing_id)
    if act.actor.org_id != listing.seller_id:
        raise ListingUnknown("no such listing", listing_id=listing_id)
    await require_member(s, org_id=listing.seller_id)
    interface = interface_from(document, hosts=hosts)
    if DeliveryMode.CREDENTIAL not in modes_of(listing.product_type):
        raise InterfaceNotSold("its type has no interface", product_type=listing.product_type.value)
    if interface.secret_id is not None:
        await repository.get_secret(s, secret_id=interface.secret_id, owner_id=listing.seller_id)
    before = await repository.latest_interface(s, listing_id=listing_id)
    number = 1 if before is None else before.number + 1
    recorded = await record(
        s,
        act,
        Draft(
            "DLV.INTERFACE",
            listing_id,
            public={
                "listing_id": listing_id,
                "seller_id": listing.seller_id,
                "number": number,
                "answered_by": interface.answered_by.value,
                "with_secret": interface.secret_id is not None,
            },
            opening=interface.document() if interface.answered_by is AnsweredBy.PROVIDER else None,
        ),
    )
    row = InterfaceRow(
        listing_id=listing_id,
        number=number,
        document=canonical(interface.document()).decode(),
        declared_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    s.add(row)
    await s.flush()
    return row
