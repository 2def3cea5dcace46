"""Anyone checks a certificate, a receipt, a contract or a file: by number, digest, or the file itself.

`/verify/{number or digest}` is where the codes on printed papers lead. A file is hashed by the reader's own
browser where that can (`static/verify-file.js`), else here; nothing of it is kept.
"""

import asyncio
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from base.errors import Busy, Malformed, NotFound, TooLarge, TooMany
from base.ids import is_id
from base.signing import keyid_of, parse_envelope, pre_authentication
from identity.repository import get_key
from ledger import reader, trail
from ledger.checkpoint import MAX_NOTE_BYTES, Checkpoint, Note, Receipt
from ledger.errors import StatementUnknown
from ledger.log_keys import past_places
from ledger.suites import signature_holds
from market.filing.repository import certificate_by_digest, get_certificate
from market.filing.rules import CERTIFICATE_NUMBER
from market.filing.tables import TradeCertificate
from market.listings.repository import get_listing
from market.listings.rules import ListingState
from market.orders.repository import trade_of_contract
from registry.repository import report_by_digest
from web.certificates import certificate_shown
from web.limits import TooManyAttempts
from web.pages.explorer import closed_place, trusted_by
from web.pages.forms import Filled, Form, sent_back
from web.pages.languages import N_
from web.pages.multipart import upload_of
from web.pages.proving import CHECKPOINT, INCLUSION, Check, Under, consistent, prove, prove_present
from web.pages.visiting import Visitor, VisitorDep
from web.pages.voucher_checks import told_voucher
from web.register import record_on

router = APIRouter()
MOST_BYTES: Final = 32 * 1024 * 1024  # of a file that is hashed here
_AT_ONCE: Final = 4
_PATIENCE_S: Final = 60  # for the whole of a file
_MOST: Final = 20
_RECEIPT: Final = b"c2sp.org/tlog-proof@"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SEQ: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_BROKER: Final = re.compile(r"[A-Z0-9]{1,10}(-[A-Z0-9]{1,12}){2,5}", re.ASCII)
DIGEST: Final = N_("Its bytes give its digest")
SIGNED: Final = N_("The exchange signed it")
STANDS: Final = N_("It stands")
GENUINE: Final = N_("It is genuine and stands")
LEDGER: Final = N_("The ledger names it")
NAMED: Final = N_("An entry of the ledger names it")
PROVED: Final = N_("That entry's proof holds")
OURS: Final = N_("The entry that it names is the one in the ledger")
STILL: Final = N_("The log still begins with its checkpoint")
CLOSED: Final = N_("That log is closed: the entry's page has its proof.")
UNSEALED: Final = N_("Not under a published checkpoint yet; that takes a second.")
_hashing: list[object] = []  # uploads that are being hashed by this process


class TooManyChecks(TooMany):
    """One address has as much checked as a person reads."""

    code = "too-many-checks"
    title = "Too many checks from your address: wait a moment"


@dataclass(frozen=True, slots=True)
class Known:
    """What a number or a digest names: what it is, its page, and what was checked of it."""

    what: str
    name: str
    page: str | None = None
    facts: tuple[tuple[str, str], ...] = ()
    checks: tuple[Check, ...] = ()
    print_page: str | None = None

    @property
    def holds(self) -> bool:
        return all(check.holds is not False for check in self.checks)

    @property
    def verdict(self) -> tuple[str, str]:
        """What is said of it at most, and in which colour: that it stands only where that was checked."""
        says = {check.says for check in self.checks}
        whole = bool(says) and all(check.holds for check in self.checks)
        if not self.holds:
            return N_("Not everything holds"), "bad"
        if STANDS in says:
            return (GENUINE, "good") if whole else (N_("It stands; its proof was not asked here"), "warn")
        if NAMED in says:
            return (
                (LEDGER, "good")
                if whole
                else (N_("The ledger names it; its proof was not asked here"), "warn")
            )
        return (N_("Everything holds."), "good") if whole else (N_("not asked"), "warn")


@router.get("/verify")
async def ask(visitor: VisitorDep, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Where anyone pastes a number or a digest, or chooses a file."""
    asked = q.strip().strip("/")
    if asked and "/" not in asked:
        return visitor.redirect(f"/verify/{quote(asked, safe='')}")
    return _page(visitor, asked)


def _count(visitor: Visitor) -> None:
    """Raises TooManyChecks: whole proofs are recomputed here, for people who read them."""
    state = visitor.request.app.state
    try:
        state.checks.count(state.addresses.of(visitor.request))
    except TooManyAttempts as error:
        raise TooManyChecks(
            "your own computer checks as many as you like: databourse audit", **error.facts
        ) from None


def _page(
    visitor: Visitor, asked: str = "", found: Sequence[Known] | None = None, filled: Filled | None = None
) -> Response:
    nothing = asked and not found
    return visitor.render(
        "verify.html",
        filled=filled,
        status=404 if nothing and filled is None else None,
        q=asked,
        found=found or (),
        nothing=nothing,
        wrong=any(not one.holds for one in found or ()),
        limit_bytes=MOST_BYTES,
    )


@router.get("/verify/{ref}")
async def check(visitor: VisitorDep, ref: str) -> Response:
    """What a number or a digest names here, checked step by step; a page with status 404 for nothing."""
    asked = ref.strip()[:200]
    if _SEQ.fullmatch(asked):
        return visitor.redirect(f"/ledger/{int(asked)}")
    _count(visitor)
    async with visitor.node.database.read() as s:
        found = await _known(visitor, s, asked)
    return _page(visitor, asked, found)


@router.post("/verify")
async def check_file(visitor: VisitorDep) -> Response:
    """Hash a file, and go on to what its digest names; a receipt is checked itself."""
    _count(visitor)
    try:
        sha256, head = await _hashed(visitor)
        if not head.startswith(_RECEIPT):
            return visitor.redirect(f"/verify/{sha256}")
        async with visitor.node.database.read() as s:
            found = await _receipt(visitor, s, head)
        return _page(visitor, sha256, [found])
    except (Malformed, TooLarge) as error:
        return _page(visitor, filled=sent_back("file", Form({}), error))


async def _hashed(visitor: Visitor) -> tuple[str, bytes]:
    """The digest of the file that is sent, and its beginning. Raises Busy, Malformed, TooLarge.

    A place is held from when the form is known to be ours, and no longer than `_PATIENCE_S`.
    """
    try:
        async with asyncio.timeout(_PATIENCE_S), upload_of(visitor.request) as upload:
            visitor.check(upload.form.text("csrf"))
            with _place_to_hash():
                digest, count, head = hashlib.sha256(), 0, bytearray()
                async for chunk in upload.content:
                    count += len(chunk)
                    if count > MOST_BYTES:
                        raise TooLarge("hash it yourself, and paste the digest", limit_bytes=MOST_BYTES)
                    digest.update(chunk)
                    head += chunk[: max(0, MAX_NOTE_BYTES + 1 - len(head))]
        return digest.hexdigest(), bytes(head)
    except TimeoutError:
        raise Malformed("the file came too slowly: hash it yourself, and paste the digest") from None


@contextmanager
def _place_to_hash() -> Iterator[None]:
    if len(_hashing) >= _AT_ONCE:
        raise Busy("as many files are hashed as can be at once", retry_after_s=2)
    ticket = object()
    _hashing.append(ticket)
    try:
        yield
    finally:
        _hashing.remove(ticket)


async def _known(visitor: Visitor, s: ReadSession, asked: str) -> list[Known]:
    number = asked.upper()
    if CERTIFICATE_NUMBER.fullmatch(number):
        with suppress(NotFound):
            return [await _certificate(visitor, s, await get_certificate(s, certificate_no=number))]
        return []
    if is_id(asked.lower(), "vch"):
        return await _voucher(visitor, s, asked.lower())
    found: list[Known] = []
    if _DIGEST.fullmatch(asked.lower()):
        found = await _digest(visitor, s, asked.lower())
        asked = asked.lower()
    elif _BROKER.fullmatch(number):
        with suppress(NotFound):
            found = [await _broker(visitor, s, number)]
    if found:
        return found
    page = await trail.search(s, trail.Wanted(text=asked), limit=_MOST)
    return [await _statement(visitor, s, one.statement.statement_id) for one in page.found]


async def _digest(visitor: Visitor, s: ReadSession, sha256: str) -> list[Known]:
    """What has this digest: a contract that was concluded, a certificate, a report, a file on offer."""
    found = []
    row = await certificate_by_digest(s, certificate_sha256=sha256)
    if row is not None:
        found.append(await _certificate(visitor, s, row))
    found += await _voucher(visitor, s, sha256)
    trade_id = await trade_of_contract(s, contract_sha256=sha256)
    said = (
        await reader.statements_about(s, object_ids=[trade_id], events=["TRD.CONTRACT"]) if trade_id else ()
    )
    for one in said:
        facts = ((N_("Trade"), one.object_id), *_parties(one.predicate))
        found.append(await _named(visitor, s, Known(N_("Contract"), sha256, facts=facts), one))
    report = await report_by_digest(s, report_sha256=sha256)
    if report is not None:
        one = await reader.statement(s, statement_id=report.statement_id)
        page = await _on_offer(s, report.listing_id, "/quality")
        found.append(await _named(visitor, s, Known(N_("Quality report"), sha256, page), one))
    for one in await reader.statements_mentioning(s, object_ids=[sha256], event="LST.DRAFT", limit=_MOST):
        page = await _on_offer(s, one.object_id)
        found.append(await _named(visitor, s, Known(N_("File of a product"), sha256, page), one))
    return [one for one in found if one.checks]


async def _on_offer(s: ReadSession, listing_id: str, below: str = "") -> str | None:
    """A product's page, where there is one for everybody."""
    listing = await get_listing(s, listing_id=listing_id)
    return f"/products/{listing_id}{below}" if listing.status is ListingState.LISTED else None


def _parties(said: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    names = ((N_("Provider"), "seller_id"), (N_("Buyer"), "buyer_id"), (N_("Broker"), "broker_id"))
    return tuple((label, str(said[name])) for label, name in names if said.get(name))


async def _named(visitor: Visitor, s: ReadSession, thing: Known, said: reader.Statement) -> Known:
    """A thing that a sealed statement names by its digest; without checks while it is not sealed."""
    checks = await _in_ledger(visitor, s, said, thing.name)
    return replace(thing, facts=(*thing.facts, (N_("Stated by"), said.org_id)), checks=checks)


async def _in_ledger(
    visitor: Visitor, s: ReadSession, said: reader.Statement, name: str
) -> tuple[Check, ...]:
    """That a sealed entry says this very name, and that its proof holds. Empty for what is not sealed."""
    place = await _place(s, said)
    if place is None:
        return ()
    says = name.encode() in orjson.dumps(said.payload)
    named = Check(NAMED, says, ((N_("entry"), place), (N_("event"), said.event)))
    if said.seq is None:
        return named, Check(PROVED, None, (), why=CLOSED)
    entry = await reader.entry(s, seq=said.seq)
    proof = await prove_present(s, entry, await trusted_by(visitor, s))
    broken = tuple((one.says, N_("does not hold")) for one in proof.checks if one.holds is False)
    if proof.size is None:
        return named, Check(PROVED, False if broken else None, broken, why=UNSEALED)
    return named, Check(PROVED, proof.holds, broken)


async def _place(s: ReadSession, said: reader.Statement) -> str | None:
    """The page of a statement's entry, in the present log or a closed one; None while it waits."""
    if said.seq is not None:
        return f"/ledger/{said.seq}"
    past = await past_places(s, statement_ids=[said.statement_id])
    if said.statement_id not in past:
        return None
    origin, seq = past[said.statement_id]
    return f"{closed_place(origin)}/{seq}"


async def _statement(visitor: Visitor, s: ReadSession, statement_id: str) -> Known:
    said = await reader.statement(s, statement_id=statement_id)
    facts = ((N_("About"), said.object_id), (N_("Stated by"), said.org_id))
    checks = await _in_ledger(visitor, s, said, said.object_id)
    return Known(N_("Statement"), said.statement_id, await _place(s, said), facts, checks)


async def _certificate(visitor: Visitor, s: ReadSession, row: TradeCertificate) -> Known:
    """A trade certificate: its digest, the exchange's signature, whether it stands, its entry."""
    seen = await certificate_shown(s, visitor.node, row)
    envelope = parse_envelope(seen.envelope)
    computed = hashlib.sha256(envelope.payload).hexdigest()
    message = pre_authentication(envelope.payload_type, envelope.payload)
    signed = bool(envelope.signatures)
    for one in envelope.signatures:
        key = await get_key(s, keyid=one.keyid)
        own = key is not None and key.org_id == visitor.node.house.exchange.actor.org_id
        signed = signed and own and key is not None and signature_holds(key.public, message, one.sig)
        signed = signed and key is not None and keyid_of(key.public) == one.keyid
    said = await reader.statement(s, statement_id=row.statement_id)
    checks = (
        Check(DIGEST, computed == row.certificate_sha256, ((N_("recomputed"), computed),)),
        Check(SIGNED, signed, tuple((N_("key"), one.keyid) for one in envelope.signatures)),
        Check(STANDS, seen.status == "STANDS", ()),
        *await _in_ledger(visitor, s, said, row.certificate_sha256),
    )
    told = seen.certificate
    facts = tuple((N_("Party"), f"{party['name']} ({party['role']})") for party in told["parties"])
    no = row.certificate_no
    page = f"/trade-certificates/{no}"
    return Known(N_("Trade certificate"), no, page, facts, checks, f"/certificates/{no}")


async def _voucher(visitor: Visitor, s: ReadSession, asked: str) -> list[Known]:
    """An asset certificate by its id or a digest: whether it stands, and its digest in the ledger."""
    told = await told_voucher(s, asked, now=visitor.node.clock.now())
    if told is None:
        return []
    in_ledger = () if told.said is None else await _in_ledger(visitor, s, told.said, told.digest)
    checks = (Check(STANDS, told.stands, ()), *in_ledger)
    return [Known(N_("Public-data asset certificate"), told.voucher_id, None, told.facts, checks)]


async def _broker(visitor: Visitor, s: ReadSession, no: str) -> Known:
    """A broker's certificate as the register, read out of the ledger, has it now."""
    now = visitor.node.clock.now()
    found = await record_on(s, no=no, at=now, now=now)
    row = found.standing
    first = next((step for step in found.holding.steps if step.says.get("cert_no") == no), None)
    checks = [Check(STANDS, row.in_force, ((N_("state"), row.state.value),))]
    if first is not None:
        said = await reader.statement(s, statement_id=first.statement_id)
        checks += await _in_ledger(visitor, s, said, no)
    facts = ((N_("Holder"), found.holder.name), (N_("Credit code"), found.holder.uscc))
    return Known(
        N_("Broker's certificate"), no, f"/brokers/{no}", facts, tuple(checks), f"/certificates/{no}"
    )


async def _receipt(visitor: Visitor, s: ReadSession, data: bytes) -> Known:
    """A receipt that somebody kept: its own path and checkpoint, over the entry that the ledger has now.

    Raises NoteInvalid for what is none, StatementUnknown for one of another log.
    """
    receipt = Receipt.parse(data)
    head = Checkpoint.parse(Note.parse(receipt.checkpoint).text)
    trusted = await trusted_by(visitor, s)
    if head.origin != trusted.vkey.name:
        raise Malformed("this receipt is of another log than the present one", origin=head.origin)
    keys = [trusted.vkey, *trusted.earlier]
    try:
        entry = await reader.entry(s, seq=receipt.index)
    except StatementUnknown as error:
        raise Malformed("the log has no entry of this number", index=receipt.index) from error
    proof = await prove(s, entry, None, Under(receipt.checkpoint, head.size, receipt.path, keys))
    held = {one.says: one for one in proof.checks}
    still = await consistent(
        s, STILL, (head.size, head.root), await _newest(s), ((N_("root"), head.root.hex()),)
    )
    ours = Check(OURS, held[INCLUSION].holds, ((N_("entry"), f"/ledger/{receipt.index}"),))
    checks = (ours, held[INCLUSION], held[CHECKPOINT], still)
    facts = ((N_("Log"), head.origin), (N_("Size"), str(head.size)))
    return Known(N_("Receipt"), f"#{receipt.index}", f"/ledger/{receipt.index}", facts, checks)


async def _newest(s: ReadSession) -> tuple[int, bytes]:
    head = await reader.tree_head(s)
    return head.size, bytes.fromhex(head.root)
