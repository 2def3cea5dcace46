"""Public-data asset certificates: types, the wallet, the provider's and the user's desk, status lists."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from base.canonical import canonical
from base.credential.status import MEDIA_TYPE
from base.db import ReadSession
from base.errors import NotFound
from ledger.reader import statements_of
from registry.vouchers import repository
from registry.vouchers.generating import signed_list
from registry.vouchers.states import TypeState, VoucherState
from registry.vouchers.tables import VoucherRow
from web.acts import Id
from web.api.log import answer
from web.api.voucher_acts import (
    APPOINT,
    AUTHORISE,
    CANCEL,
    CORRECT,
    DECIDE,
    DECLINE,
    GENERATE,
    PRESENT,
    PROPOSE,
    REQUEST,
    REVOKE,
    REVOKE_TYPE,
    STORE,
    VERIFY,
)
from web.crossing import read_at_home
from web.deps import Caller, CallerDep, NodeDep, ReadDep, answers, respond
from web.views import View
from web.voucher_forms import (
    AppointKeyArgs,
    AuthoriseArgs,
    AuthoriseForm,
    CorrectArgs,
    CorrectForm,
    DecideArgs,
    DecideForm,
    FullVoucherView,
    GenerateArgs,
    GenerateForm,
    PaperArgs,
    PaperForm,
    PresentArgs,
    PresentForm,
    ProposeArgs,
    RequestArgs,
    RevokeArgs,
    RevokeForm,
    RevokeTypeArgs,
    RevokeTypeForm,
    VerifyArgs,
    VerifyForm,
    VoucherArgs,
    VoucherIssuerView,
    VoucherTypeView,
    VoucherUseView,
    VoucherView,
    attempts_of,
    desk_of,
)

router = APIRouter(tags=["asset certificates"])
public = APIRouter(prefix="/vouchers", tags=["asset certificates"])
LOOKERS: Final = frozenset({"DATA_AUTHORITY", "SAMR", "CAC", "AUDITOR", "EXCHANGE_OPERATOR", "COURT"})
"""Who supervises sees what was done with a certificate; what it says, its subject and its user alone."""
IN_PUBLIC: Final = (TypeState.IN_FORCE, TypeState.REVOKED)
_PRESENTATION: Final = "application/vp"
_ASK_AGAIN: Final = "public, no-cache"
_SENT: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {MEDIA_TYPE: {}}}}
_SHOWN: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {_PRESENTATION: {}}}}
Limit = Annotated[int, Query(ge=1, le=100)]
ListNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


class IssuersView(View):
    """Whose keys sign certificates: save it, and check offline with it."""

    issuers: list[VoucherIssuerView]


async def concerned(s: ReadSession, caller: Caller, voucher_id: str) -> VoucherRow:
    """A certificate, for its subject, its user and its provider, and for who supervises. Raises NotFound."""
    row = await repository.get_voucher(s, voucher_id=voucher_id)
    its_own = caller.actor.org_id in {row.subject_id, row.user_id, row.provider_id}
    if not its_own and not caller.actor.roles & LOOKERS:
        raise NotFound("no such asset certificate", voucher_id=voucher_id)
    return row


@router.get("/voucher-types")
async def types(s: ReadDep) -> list[VoucherTypeView]:
    """The types that are in force, and those that were; for anybody."""
    return [VoucherTypeView.of(row) for row in await repository.types(s, states=IN_PUBLIC)]


@router.get("/voucher-types/proposed")
async def proposed(caller: CallerDep, s: ReadDep) -> list[VoucherTypeView]:
    """One's own proposals; all, for the data authority."""
    actor = caller.actor
    if "DATA_AUTHORITY" in actor.roles:
        rows = await repository.types(s)
    else:
        rows = await repository.types(s, proposer_id=actor.org_id)
    return [VoucherTypeView.of(row) for row in rows]


@router.get("/voucher-types/{type_id}")
async def one_type(type_id: Id, s: ReadDep) -> VoucherTypeView:
    """A type that is, or was, in force; for anybody."""
    row = await repository.get_type(s, type_id=type_id)
    if row.status not in IN_PUBLIC:
        raise NotFound("no such type", type_id=type_id)
    return VoucherTypeView.of(row)


@router.post("/voucher-types", **answers(PROPOSE, VoucherTypeView))
async def propose(caller: CallerDep, args: ProposeArgs) -> Response:
    """Propose a type, as who will make its certificates; an agency's chief data officer signs in person."""
    return respond(await caller.do(PROPOSE, args))


@router.post("/voucher-types/{type_id}/decide", **answers(DECIDE, VoucherTypeView))
async def decide(type_id: Id, caller: CallerDep, form: DecideForm) -> Response:
    """Approve or refuse a proposed type, as the data authority."""
    return respond(await caller.do(DECIDE, DecideArgs(type_id=type_id, **dict(form))))


@router.post("/voucher-types/{type_id}/revoke", **answers(REVOKE_TYPE, VoucherTypeView))
async def revoke_type(type_id: Id, caller: CallerDep, form: RevokeTypeForm) -> Response:
    """End a type, as the data authority: none of its certificates is taken any more."""
    return respond(await caller.do(REVOKE_TYPE, RevokeTypeArgs(type_id=type_id, **dict(form))))


@router.get("/voucher-issuers")
async def issuers(s: ReadDep, org_id: Annotated[Id | None, Query()] = None) -> IssuersView:
    """The keys of providers, newest first; `databourse credential accept --issuers` reads this."""
    rows = await repository.issuers(s, org_id=org_id)
    return IssuersView(issuers=[VoucherIssuerView.of(row) for row in rows])


@router.post("/voucher-issuers", **answers(APPOINT, VoucherIssuerView))
async def appoint(caller: CallerDep, args: AppointKeyArgs) -> Response:
    """Appoint the key that signs one's certificates from now on, as a provider."""
    return respond(await caller.do(APPOINT, args))


@router.get("/vouchers")
async def vouchers(
    caller: CallerDep,
    s: ReadDep,
    status: Annotated[VoucherState | None, Query()] = None,
    after: Annotated[Id | None, Query()] = None,
    limit: Limit = 50,
) -> list[VoucherView]:
    """One's own certificates, as their subject, user or provider; all, for who supervises."""
    actor = caller.actor
    mine = dict.fromkeys(("subject_id", "user_id", "provider_id"), actor.org_id)
    states = () if status is None else (status,)
    whose = {} if actor.roles & LOOKERS else mine
    rows = await repository.vouchers(s, states=states, after=after, limit=limit, **whose)
    return [VoucherView.of(row) for row in rows]


@router.post("/vouchers", **answers(REQUEST, VoucherView))
async def request(caller: CallerDep, args: RequestArgs) -> Response:
    """Ask a subject for a certificate, as its user; or ask for one's own, as its subject."""
    return respond(await caller.do(REQUEST, args))


@router.get("/vouchers/{voucher_id}")
async def voucher(voucher_id: Id, caller: CallerDep, s: ReadDep) -> FullVoucherView:
    """A certificate with every use of it, and every use that was refused."""
    row = await concerned(s, caller, voucher_id)
    return await full_view(s, row)


async def full_view(s: ReadSession, row: VoucherRow) -> FullVoucherView:
    """A certificate with its uses, and its place in the ledger."""
    said = list(await statements_of(s, object_id=row.voucher_id))
    made = [one.seq for one in said if one.event in {"CRT.GENERATE", "CRT.CORRECT"}]
    uses = await repository.uses_of(s, voucher_id=row.voucher_id)
    return FullVoucherView(
        **VoucherView.of(row).model_dump(),
        seq=made[-1] if made else None,
        uses=[VoucherUseView.of(use) for use in uses],
        refused=attempts_of(said),
    )


@router.get("/vouchers/{voucher_id}/document", response_class=Response, responses=_SENT)
async def document(voucher_id: Id, caller: CallerDep, node: NodeDep, s: ReadDep) -> Response:
    """The whole document of a wallet: the credential, and the disclosures that it has the digests of.

    For its subject alone, of a person for the provider, who hands it over. Within the mainland.
    """
    row = await repository.get_voucher(s, voucher_id=voucher_id)
    speaks = row.subject_id if row.subject_kind == "MEMBER" else row.provider_id
    if caller.actor.org_id != speaks:
        raise NotFound("no such asset certificate", voucher_id=voucher_id)
    if speaks != row.provider_id:
        await read_at_home(node.house, caller.actor, attempted="CRT.STORE", object_id=voucher_id)
    return _private(orjson.dumps(desk_of(node).open(row)), "application/json")


@router.get("/vouchers/{voucher_id}/presentation", response_class=Response, responses=_SHOWN)
async def presented(voucher_id: Id, caller: CallerDep, node: NodeDep, s: ReadDep) -> Response:
    """What the user was shown, for the user and the subject: the very bytes that the holder signed.

    Within the mainland.
    """
    row = await repository.get_voucher(s, voucher_id=voucher_id)
    if caller.actor.org_id not in {row.user_id, row.subject_id}:
        raise NotFound("no such asset certificate", voucher_id=voucher_id)
    await read_at_home(node.house, caller.actor, attempted="CRT.PRESENT", object_id=voucher_id)
    return _private(desk_of(node).open_presentation(row), _PRESENTATION)


def _private(content: bytes, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers={"cache-control": "no-store"})


@router.post("/vouchers/{voucher_id}/decline", **answers(DECLINE, VoucherView))
async def decline(voucher_id: Id, caller: CallerDep, form: PaperForm) -> Response:
    """Say no to a request, as its subject."""
    return respond(await caller.do(DECLINE, PaperArgs(voucher_id=voucher_id, **dict(form))))


@router.post("/vouchers/{voucher_id}/cancel", **answers(CANCEL, VoucherView))
async def cancel(voucher_id: Id, caller: CallerDep) -> Response:
    """Take a request back, as who asked."""
    return respond(await caller.do(CANCEL, VoucherArgs(voucher_id=voucher_id)))


@router.post("/vouchers/{voucher_id}/authorise", **answers(AUTHORISE, VoucherView))
async def authorise(voucher_id: Id, caller: CallerDep, form: AuthoriseForm) -> Response:
    """Say yes to what was asked, or to less of it, as the subject; for a person the provider."""
    return respond(await caller.do(AUTHORISE, AuthoriseArgs(voucher_id=voucher_id, **dict(form))))


@router.post("/vouchers/{voucher_id}/generate", **answers(GENERATE, VoucherView))
async def generate(voucher_id: Id, caller: CallerDep, form: GenerateForm) -> Response:
    """Make the certificate that was authorised, as its provider; the data itself stays with the provider."""
    return respond(await caller.do(GENERATE, GenerateArgs(voucher_id=voucher_id, **dict(form))))


@router.post("/vouchers/{voucher_id}/correct", **answers(CORRECT, VoucherView))
async def correct(voucher_id: Id, caller: CallerDep, form: CorrectForm) -> Response:
    """Put a corrected certificate in the place of one whose data was wrong, as its provider."""
    return respond(await caller.do(CORRECT, CorrectArgs(voucher_id=voucher_id, **dict(form))))


@router.post("/vouchers/{voucher_id}/store", **answers(STORE, VoucherView))
async def store(voucher_id: Id, caller: CallerDep, form: PaperForm) -> Response:
    """Take a certificate into one's wallet."""
    return respond(await caller.do(STORE, PaperArgs(voucher_id=voucher_id, **dict(form))))


@router.post("/vouchers/{voucher_id}/present", **answers(PRESENT, VoucherView))
async def present(voucher_id: Id, caller: CallerDep, form: PresentForm) -> Response:
    """Show a certificate to the user that it was authorised for, as its subject."""
    return respond(await caller.do(PRESENT, PresentArgs(voucher_id=voucher_id, **dict(form))))


@router.post("/vouchers/{voucher_id}/verify", **answers(VERIFY, VoucherUseView))
async def verify(voucher_id: Id, caller: CallerDep, form: VerifyForm) -> Response:
    """Verify what was presented, for a purpose: one use, counted; a refusal is on the ledger."""
    return respond(await caller.do(VERIFY, VerifyArgs(voucher_id=voucher_id, **dict(form))))


@router.post("/vouchers/{voucher_id}/revoke", **answers(REVOKE, VoucherView))
async def revoke(voucher_id: Id, caller: CallerDep, form: RevokeForm) -> Response:
    """End a certificate: its subject withdraws, its provider has found an error, a court has ordered it."""
    return respond(await caller.do(REVOKE, RevokeArgs(voucher_id=voucher_id, **dict(form))))


@public.head("/status/{number}", include_in_schema=False)
@public.get("/status/{number}", response_class=Response, responses=_SENT)
async def status_list(request: Request, node: NodeDep, s: ReadDep, number: ListNumber) -> Response:
    """The status list of a provider's key as it is now: a BitstringStatusListCredential, for anybody."""
    signed = await signed_list(s, desk_of(node), number=number, now=node.clock.now())
    return answer(request, canonical(signed), media_type=MEDIA_TYPE, kept=_ASK_AGAIN)
