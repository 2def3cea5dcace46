"""What a request comes with: the node, the caller, and the one way to do an act for the caller."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, TypeAlias

import orjson
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response

from base.db import ReadSession, WriteSession
from base.errors import DomainError, Forbidden, Malformed, Refusal, Unauthenticated
from base.idempotency import Answer, recall, remember
from base.idempotency import Call as IdempotentCall
from base.signing import Envelope, marking_part
from identity.errors import PreparedUnknown
from identity.prepared import Call, Document, Prepared, carry_out, submit
from identity.sign_in import authenticate
from identity.tables import PreparedRow
from identity.tokens import Claims
from ledger.acts import Once, Verb, perform
from ledger.recording import Act, Actor, Recorded, recorded_in, spoken_of_in
from web.acts import A, ActKind, kind_of, lookup_on
from web.node import Node
from web.problems import MEDIA_TYPE as PROBLEM
from web.problems import problem_of, request_id_of
from web.receipts import with_receipts
from web.views import PreparedView, View, done_view

JSON: Final = "application/json"
COOKIE: Final = "databourse_session"
UPLOAD: Final = "databourse.upload"
_done_views: dict[type[View], type[View]] = {}
_INPUT: Final = b"databourse/idempotent-input/"
Answering: TypeAlias = Callable[[Any, Sequence[Recorded]], Answer]
"""From what an act came to, and the statements it made, to what is answered."""


class IdempotencyKeyMissing(Malformed):
    code = "idempotency-key-missing"
    title = "An unsafe call carries an Idempotency-Key"


_READING: Final = frozenset({"GET", "HEAD"})
WAIT: Final = "sealed"
WAITING: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "wait",
            "in": "query",
            "required": False,
            "description": "Answer with the statements' numbers and receipts, within ten seconds",
            "schema": {"type": "string", "enum": [WAIT]},
        }
    ]
}
"""What the OpenAPI document says of every call that records something."""


def node_of(request: Request) -> Node:
    """The node this process serves."""
    node: Node = request.app.state.node
    return node


def expect_upload(request: Request) -> None:
    """Take a body of any length from here on; whoever reads it has a limit of its own (`base.files`)."""
    request.scope[UPLOAD] = True


async def _node(request: Request) -> Node:
    """`node_of` for routes: what is no coroutine would visit a thread for each request."""
    return node_of(request)


NodeDep = Annotated[Node, Depends(_node)]


class Replayed(Exception):  # control flow out of a transaction, never an error
    """This very call was answered before."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("answered before")
        self.answer = answer


class Remembered(Once):
    """Same key, same answer: looks up before the act, keeps the answer with it."""

    def __init__(self, call: IdempotentCall, node: Node, answer: Answering, request_id: str) -> None:
        self._call, self._node, self._answer, self._request_id = call, node, answer, request_id
        self._kept: Answer | None = None
        self._refused: Refusal | None = None

    async def before(self, s: WriteSession) -> None:
        known = await recall(s, self._call)
        if known is not None:
            raise Replayed(known)

    async def after(self, s: WriteSession, result: object) -> None:
        self._kept = self._answer(result, recorded_in(s))
        now = self._node.clock.now()
        await remember(s, self._call, self._kept, now=now, about=_about(s, result))

    async def refused(self, s: WriteSession, refusal: Refusal) -> None:
        status, body = problem_of(refusal, self._request_id)
        now, answer = self._node.clock.now(), Answer(status, PROBLEM, body)
        await remember(s, self._call, answer, now=now, about=spoken_of_in(s))
        self._refused = refusal

    async def known(self) -> Answer | None:
        """What was answered, asked outside the act's transaction."""
        async with self._node.database.read() as s:
            return await recall(s, self._call)

    async def answered(self, act: Callable[[], Awaitable[Any]]) -> Answer:
        """The answer to an act that remembers it by this; of two at once the second hears the first's.

        Raises what the act raises, unless the other call has answered meanwhile.
        """
        try:
            await act()
        except Replayed as replayed:
            return replayed.answer
        except (DomainError, IntegrityError) as error:  # perhaps because the other one has done it
            found = None if error is self._refused else await self.known()
            if found is None:
                raise
            return found
        assert self._kept is not None
        return self._kept


def _about(s: WriteSession, result: object) -> str:
    """What an answer speaks of: empty for an act that states nothing."""
    if isinstance(result, Prepared):
        return str(orjson.loads(result.payload)["predicate"]["object"])
    return spoken_of_in(s) or ""


def answer_to(kind: ActKind[Any], result: object, recorded: Sequence[Recorded]) -> Answer:
    """What a done, or a prepared, act answers: 202 asks for a signature."""
    if isinstance(result, Prepared):
        return Answer(202, JSON, orjson.dumps(result.document()))
    return done(kind.status, kind.answer(result), recorded)


def done(status: int, shown: BaseModel, recorded: Sequence[Recorded]) -> Answer:
    """What was done, and the statements that say so (`GET /ledger/statements/{id}?wait=sealed`)."""
    said = [{"statement_id": one.statement_id, "envelope_sha256": one.digest} for one in recorded]
    return Answer(status, JSON, orjson.dumps({**shown.model_dump(mode="json"), "recorded": said}))


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who signed in, and what the request says about how to act."""

    node: Node
    actor: Actor
    claims: Claims
    request_id: str
    role: str | None
    idempotency_key: str | None
    wait: bool = False

    def require(self, *roles: str) -> None:
        """Refuse whoever has none of these roles. Raises Forbidden."""
        if not self.actor.roles & set(roles):
            raise Forbidden("your role does not reach this", roles=sorted(roles))

    async def do(self, kind: ActKind[A], args: A) -> Answer:
        """Do an act: done, or prepared for a self-held signature, or answered as it was before.

        Raises Malformed without an Idempotency-Key, Forbidden for a role that does not fit, and what
        the verb raises.
        """
        role = kind.role_of(self.actor, self.role)
        said = args.model_dump(mode="json")
        once = self.once(kind.name, {"role": role, **said}, partial(answer_to, kind))
        documents: tuple[Document, ...] = ()
        if kind.documents is not None:
            async with self.node.database.read() as s:
                documents = tuple(await kind.documents(s, args))
        call = Call(
            actor=self.actor,
            role=role,
            act_name=kind.name,
            args=said,
            attempted=kind.event,
            object_id=kind.about(args),
            documents=documents,
        )
        house, safe, verb = self.node.house, self.node.safe, kind.bound(args, self.node)
        return await self.told(await once.answered(lambda: carry_out(house, safe, call, verb, once=once)))

    async def submit(self, prepared_id: str, envelope: Envelope) -> Answer:
        """Hand in the signature of a prepared act. Raises what `identity.prepared.submit` raises."""
        async with self.node.database.read() as s:
            prepared = await s.get(PreparedRow, prepared_id)
        if prepared is None:
            raise PreparedUnknown("no such prepared act", prepared_id=prepared_id)
        kind = kind_of(prepared.act_name)
        said = {"envelope": envelope.digest()}
        once = self.once(f"submit/{prepared_id}", said, partial(answer_to, kind))
        answer = await once.answered(
            lambda: submit(
                self.node.house,
                self.node.safe,
                prepared_id=prepared_id,
                envelope=envelope,
                lookup=lookup_on(self.node),
                actor=self.actor,
                once=once,
            )
        )
        return await self.told(answer)

    async def perform(
        self,
        verb: Verb[Any],
        show: Callable[[Any], BaseModel],
        *,
        route: str,
        args: Any,
        act: Act,
        attempted: str,
        object_id: str,
        status: int = 201,
    ) -> Answer:
        """Perform a verb that no party signs, once for a key. Raises what the verb raises."""
        answer: Answering = lambda result, recorded: done(status, show(result), recorded)  # noqa: E731
        once = self.once(route, args, answer)
        house = self.node.house
        known = await once.answered(
            lambda: perform(house, act, verb, attempted=attempted, object_id=object_id, once=once)
        )
        return await self.told(known)

    async def told(self, answer: Answer) -> Answer:
        """The answer; to `?wait=sealed` with the numbers and receipts of its statements, as they are now."""
        if not self.wait or answer.media_type != JSON:
            return answer
        shown = orjson.loads(answer.body)
        recorded = {one["statement_id"]: one for one in shown.get("recorded", ())}
        for one in await with_receipts(self.node, list(recorded), wait=True):
            recorded[one.statement.statement_id] |= {"seq": one.seq, "receipt": one.receipt}
        return Answer(answer.status, JSON, orjson.dumps(shown))

    def once(self, route: str, args: Any, answer: Answering) -> Remembered:
        """What remembers the answer to this call. Raises Malformed without an Idempotency-Key."""
        if self.idempotency_key is None:
            raise IdempotencyKeyMissing("an Idempotency-Key header is asked for")
        # Keyed, because among what is digested may be a password.
        said = orjson.dumps(args, option=orjson.OPT_SORT_KEYS)
        key = marking_part(self.node.safe.master)
        call = IdempotentCall(
            actor_id=self.actor.user_id or self.actor.org_id,
            key=self.idempotency_key,
            route=route,
            input_sha256=hmac.new(key, _INPUT + said, hashlib.sha256).hexdigest(),
        )
        return Remembered(call, self.node, answer, self.request_id)


async def caller_of(
    request: Request,
    node: NodeDep,
    authorization: Annotated[str | None, Header()] = None,
    databourse_role: Annotated[str | None, Header(max_length=40)] = None,
    idempotency_key: Annotated[str | None, Header(max_length=64)] = None,
) -> Caller:
    """Whoever calls the API with a bearer token. Raises Unauthenticated and its kinds, SecondFactorMissing.

    A page's session is good for reading alone ("the same as JSON"): a cookie comes by itself, and what
    changes something has to be meant.
    """
    return await _caller(request, node, authorization, databourse_role, idempotency_key)


async def caller_setting_up(
    request: Request, node: NodeDep, authorization: Annotated[str | None, Header()] = None
) -> Caller:
    """The same, also one who has yet to set up the second factor that a role asks for."""
    return await _caller(request, node, authorization, None, None, setting_up=True)


async def _caller(
    request: Request,
    node: Node,
    authorization: str | None,
    role: str | None,
    idempotency_key: str | None,
    *,
    setting_up: bool = False,
) -> Caller:
    scheme, _, token = (authorization or "").partition(" ")
    if authorization is None and request.method in _READING:
        scheme, token = "bearer", request.cookies.get(COOKIE, "")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("a bearer token is asked for")
    async with node.database.read() as s:
        actor, claims = await authenticate(s, node.tokens, token, setting_up=setting_up)
    wait = request.method not in _READING and _waits(request)
    return Caller(node, actor, claims, request_id_of(request), role, idempotency_key, wait)


def _waits(request: Request) -> bool:
    """Whether the answer to an act is to come with the receipts of its statements. Raises Malformed."""
    wanted = request.query_params.get("wait")
    if wanted not in {None, WAIT}:
        raise Malformed(f"wait is {WAIT} or absent", member="wait")
    return wanted is not None


CallerDep = Annotated[Caller, Depends(caller_of)]


async def visitor_of(
    request: Request, node: NodeDep, authorization: Annotated[str | None, Header()] = None
) -> Caller | None:
    """Whoever calls what is open to everybody: a caller where a token came, else None."""
    return None if authorization is None else await caller_of(request, node, authorization)


VisitorDep = Annotated[Caller | None, Depends(visitor_of)]


async def read_session(node: NodeDep) -> AsyncIterator[ReadSession]:
    """A session for questions, closed before the answer leaves."""
    async with node.database.read() as session:
        yield session


ReadDep = Annotated[ReadSession, Depends(read_session, scope="function")]


def answers(kind: ActKind[Any], view: type[View]) -> dict[str, Any]:
    """What the OpenAPI document says of an act's route: done, or prepared for a signature made outside."""
    return {
        "status_code": kind.status,
        "response_model": _done_views.setdefault(view, done_view(view)),
        "responses": {202: {"model": PreparedView, "description": "To be signed by a self-held key"}},
        "openapi_extra": WAITING,
    }


def respond(answer: Answer) -> Response:
    """An answer as a response."""
    return Response(answer.body, status_code=answer.status, media_type=answer.media_type)
