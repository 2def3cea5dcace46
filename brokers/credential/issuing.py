"""Issuing: the authority appoints a key, a certificate gets its credential, a list is signed when asked for.

A credential is made by a job right after the act that calls for it, once the ledger has numbered that
act. The list is made at each request from the certificates themselves: what is suspended is in the next
list, on every worker, whoever suspended it (`docs/decisions/0011`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.calendar import shanghai_day
from base.canonical import canonical
from base.clock import parse_rfc3339, rfc3339
from base.credential.bitstring import ENTRIES
from base.credential.multikey import did_key
from base.credential.proof import secure
from base.credential.status import PURPOSES, Places, Purpose, begun, status_list
from base.db import ReadSession, WriteSession
from base.ids import Seed
from base.jobs import Handlers, Job, enqueue
from base.signing import SigningKey
from brokers.credential import repository
from brokers.credential.document import AnnualReview, CertificateFacts, broker_certificate
from brokers.credential.errors import IssuerRetired, IssuerTaken, StatusListFull, StatusListUnknown
from brokers.credential.tables import CredentialRow, IssuerRow, StatusPlaceRow
from brokers.errors import CertificateWrongRole
from brokers.repository import annuals_of, claim_certificate
from brokers.states import AUTHORITY, IN_BEING, CertificateEvent
from brokers.tables import AnnualRow, CertificateRow
from identity.repository import get_founded, get_organisation
from identity.safe import Safe
from identity.service import insert
from ledger.acts import House
from ledger.reader import statement
from ledger.recording import Act, record
from ledger.statement import Draft

CREDENTIAL_JOB: Final = "brokers.credential"
_ANEW: Final = frozenset({CertificateEvent.RENEW, CertificateEvent.ANNUAL_PASS, CertificateEvent.ANNUAL_FAIL})
_SAYS_TOO_MUCH: Final = frozenset(
    {CertificateEvent.CUT_SCOPE, CertificateEvent.RECTIFY, CertificateEvent.EXIT_NOTICE}
)
_NOT_SEALED: Final = timedelta(seconds=1)
_LONGEST: Final = 60
_MOST_TAKEN: Final = ENTRIES // 4
_PLACE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Desk:
    """Where credentials are written: the safe that holds the key, and our public address."""

    safe: Safe
    public_url: str

    def credential_url(self, credential_id: str) -> str:
        return f"{self.public_url}/credentials/{credential_id}"

    def list_url(self, number: int, purposes: Sequence[Purpose] = PURPOSES) -> str:
        """The list of an issuer; of one purpose, for a verifier that takes only such lists."""
        url = f"{self.public_url}/credentials/status/{number}"
        return url if len(purposes) > 1 else f"{url}/{purposes[0].value}"

    def key_of(self, issuer: IssuerRow) -> SigningKey:
        """Raises IssuerRetired for a key that is gone."""
        if issuer.sealed_private is None:
            raise IssuerRetired("the issuing key was retired", did=issuer.did)
        return self.safe.open_key(keyid=issuer.keyid, sealed=issuer.sealed_private)


async def appoint_issuer(s: WriteSession, act: Act, *, safe: Safe) -> IssuerRow:
    """Make the key that signs credentials from now on, in the place of the present one (CRD.APPOINT).

    The data authority says so with a key of its own; the new key is made here and rests sealed. All
    certificates in being get new credentials. Raises CertificateWrongRole, IssuerTaken.
    """
    if act.role != AUTHORITY:
        raise CertificateWrongRole(
            "the issuing key is the data authority's", role=act.role, roles=[AUTHORITY]
        )
    key = SigningKey.from_bytes(bytes.fromhex(act.nonce()))
    known = await repository.issuers(s)  # in one question: who was appointed between two would stay in office
    former = next((issuer for issuer in known if issuer.retired_at is None), None)
    number = max((issuer.number for issuer in known), default=0) + 1
    recorded = await record(
        s,
        act,
        Draft(
            "CRD.APPOINT",
            act.new_id("isr"),
            public={
                "org_id": act.actor.org_id,
                "did": did_key(key.public),
                "status_list": number,
                "replaces": None if former is None else former.did,
            },
        ),
    )
    row = IssuerRow(
        number=number,
        did=did_key(key.public),
        keyid=key.keyid,
        sealed_private=safe.seal_key(key),
        org_id=act.actor.org_id,
        statement_id=recorded.statement_id,
        since=parse_rfc3339(rfc3339(act.now)),  # what is signed at this moment is written in milliseconds
    )
    if former is not None:
        await _retire(s, former, at=act.now)
    await insert(s, row, IssuerTaken("another issuing key was appointed a moment ago"))
    for cert_id in await repository.certificates_in_being(s):
        await order_credential(s, act, cert_id=cert_id, because=f"issuer {number}")
    return row


async def _retire(s: WriteSession, former: IssuerRow, *, at: datetime) -> None:
    """End a key in the UPDATE that finds it in office. Raises IssuerTaken."""
    ended = await s.exec(
        update(IssuerRow)
        .where(col(IssuerRow.number) == former.number, col(IssuerRow.retired_at).is_(None))
        .values(retired_at=at, sealed_private=None)
    )
    if ended.rowcount != 1:
        raise IssuerTaken("another issuing key was appointed a moment ago")


async def order_credential(
    s: WriteSession, act: Act, *, cert_id: str, because: str, withdraw: bool = False
) -> None:
    """Have a certificate's credential written, in the transaction of the act that calls for it.

    `because` names the act (its statement's id): the same is asked for once. `withdraw` sets the bit of
    the present one at once, where it says more than is true from now on.
    """
    if withdraw:
        await withdraw_credentials(s, cert_id=cert_id, at=act.now)
    await enqueue(
        s,
        kind=CREDENTIAL_JOB,
        key=f"{cert_id} {because}",
        run_at=act.now,
        payload={"cert_id": cert_id, "because": because},
    )


async def follow_step(
    s: WriteSession, act: Act, *, cert_id: str, event: CertificateEvent, because: str
) -> None:
    """What a step of a certificate means for its credential, in the step's own transaction.

    After a renewal and a review a new one is written, and the present one is withdrawn then; where something
    is taken away or put on condition, the present one says too much at once. States need nothing: the list is
    made from them.
    """
    if event in _ANEW | _SAYS_TOO_MUCH:
        await order_credential(s, act, cert_id=cert_id, because=because, withdraw=event in _SAYS_TOO_MUCH)


async def withdraw_credentials(s: WriteSession, *, cert_id: str, at: datetime) -> None:
    """Take back what a certificate's credentials say: the bits are set, the words forgotten."""
    await s.exec(
        update(CredentialRow)
        .where(col(CredentialRow.cert_id) == cert_id, col(CredentialRow.withdrawn_at).is_(None))
        .values(withdrawn_at=at, document=None)
    )


def credential_handlers(house: House, desk: Desk) -> Handlers:
    """What the scheduler does about credentials on this node."""

    async def on_order(s: WriteSession, job: Job) -> None:
        made = await issue_credential(s, house.exchange_act(), desk, cert_id=job.payload["cert_id"])
        if made is _WAITS:
            asked = job.payload.get("asked", 0) + 1
            key = f"{job.payload['cert_id']} {job.payload['because']} {asked}"
            run_at = job.now + _NOT_SEALED * min(2 ** (asked - 1), _LONGEST)
            await enqueue(s, kind=job.kind, key=key, run_at=run_at, payload={**job.payload, "asked": asked})

    return {CREDENTIAL_JOB: on_order}


class _Waits:
    """The act has no number in the ledger yet."""


_WAITS: Final = _Waits()


async def issue_credential(
    s: WriteSession, act: Act, desk: Desk, *, cert_id: str
) -> CredentialRow | _Waits | None:
    """Write, sign and state the credential of a certificate as it stands (CRD.ISSUE).

    The one before it is withdrawn. None where there is nothing to issue, or nobody to issue it; waits
    while the statement behind it is not sealed. Raises StatusListFull.
    """
    certificate = await claim_certificate(s, cert_id=cert_id)
    issuer = await repository.issuer_in_office(s)
    if issuer is None or certificate.status not in IN_BEING or certificate.valid_to <= act.now:
        return None
    facts = await facts_of(s, certificate, authority_id=issuer.org_id)
    if facts is None:
        return _WAITS
    places = await _draw(s, act.seed, number=issuer.number)
    credential_id = act.new_id("crd")
    unsecured = broker_certificate(
        facts,
        url=desk.credential_url(credential_id),
        register_url=f"{desk.public_url}/api/v1/brokers/{certificate.cert_no}",
        issuer=issuer.did,
        places=Places(desk.list_url(issuer.number), *places),
    )
    document = canonical(secure(unsecured, desk.key_of(issuer), created=act.now))
    row = CredentialRow(
        credential_id=credential_id,
        cert_id=cert_id,
        issuer_number=issuer.number,
        sha256=hashlib.sha256(document).hexdigest(),
        document=document,
        issued_at=act.now,
    )
    await withdraw_credentials(s, cert_id=cert_id, at=act.now)
    s.add(row)
    await s.flush()
    s.add_all(
        StatusPlaceRow(
            issuer_number=issuer.number, place=place, purpose=purpose.value, credential_id=credential_id
        )
        for purpose, place in zip(PURPOSES, places, strict=True)
    )
    public = {
        "cert_id": cert_id,
        "org_id": certificate.org_id,
        "credential_id": credential_id,
        "issuer": issuer.did,
    }
    await record(
        s,
        act,
        Draft("CRD.ISSUE", cert_id, public=public, subjects={"credential": row.sha256}),
    )
    return row


async def facts_of(
    s: WriteSession, certificate: CertificateRow, *, authority_id: str
) -> CertificateFacts | None:
    """A certificate's facts; None while the statement that gave it its words has no number."""
    statement_id = await repository.statement_that_says(s, cert_id=certificate.cert_id)
    said = None if statement_id is None else await statement(s, statement_id=statement_id)
    broker = await get_organisation(s, org_id=certificate.org_id)
    authority = await get_organisation(s, org_id=authority_id)
    founded = await get_founded(s)
    annuals = await annuals_of(s, cert_id=certificate.cert_id)
    if said is None or said.seq is None or broker is None or authority is None or founded is None:
        return None
    return CertificateFacts(
        cert_no=certificate.cert_no,
        org_id=certificate.org_id,
        name=broker.name,
        uscc=broker.uscc,
        broker_type=certificate.broker_type,
        grade=certificate.grade,
        sectors=certificate.sectors,
        max_level=certificate.max_level,
        cross_border=certificate.cross_border,
        valid_from=certificate.valid_from,
        valid_to=certificate.valid_to,
        authority_id=authority.org_id,
        authority_name=authority.name,
        origin=founded.origin,
        seq=said.seq,
        statement_sha256=said.envelope_sha256,
        practitioners=await repository.practitioners_of(s, cert_id=certificate.cert_id),
        annual_reviews=[AnnualReview(one.year, one.result) for one in annuals if one.result is not None],
        conditions=conditions_of(certificate, annuals),
    )


def conditions_of(certificate: CertificateRow, annuals: Sequence[AnnualRow]) -> list[str]:
    """What a certificate is subject to now, in stable words with their last day in Shanghai. Pure."""
    found = [
        f"rectify-by {shanghai_day(one.rectify_by).isoformat()}"
        for one in annuals
        if one.result == "RECTIFY" and one.rectify_by is not None
    ]
    if certificate.exits_at is not None:
        found.append(f"no-new-mandates leaves-after {shanghai_day(certificate.exits_at).isoformat()}")
    return found


async def _draw(s: WriteSession, seed: Seed, *, number: int) -> tuple[int, int]:
    """Two places of a list that nobody has had, at random: no place tells when it was given, or to whom."""
    taken = set(await repository.places_taken(s, number=number))
    if len(taken) >= _MOST_TAKEN:
        raise StatusListFull("a quarter of the list is taken", places=len(taken), limit=_MOST_TAKEN)
    drawn: list[int] = []
    while len(drawn) < len(PURPOSES):
        place = int.from_bytes(bytes.fromhex(seed.nonce())[:_PLACE_BYTES]) % ENTRIES
        if place not in taken:
            taken.add(place)
            drawn.append(place)
    return drawn[0], drawn[1]


async def signed_list(
    s: ReadSession,
    desk: Desk,
    *,
    number: int,
    now: datetime,
    purposes: Sequence[Purpose] = PURPOSES,
) -> dict[str, Any]:
    """The status list of an issuer as it is at this moment, signed.

    Every worker makes the same bytes of the same state within a time to live, so that an ETag holds.
    Raises StatusListUnknown, IssuerRetired.
    """
    issuer = await repository.get_issuer(s, number=number)
    if issuer is None:
        raise StatusListUnknown("no such status list", number=number)
    key = desk.key_of(issuer)
    found = await repository.marked(s, number=number)
    as_of = max(begun(now), issuer.since, *([found.changed_at] if found.changed_at else []))
    unsecured = status_list(
        frozenset().union(*(found.places[purpose] for purpose in purposes)),
        url=desk.list_url(number, purposes),
        issuer=issuer.did,
        as_of=min(as_of, now),
        purposes=purposes,
    )
    return secure(unsecured, key, created=min(as_of, now))
