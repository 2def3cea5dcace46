"""What a request comes with: the node, the caller, and the one way to do an act for the caller."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Final

import orjson
from fastapi import Depends, Header, Request
from starlette.responses import Response

from base.db import ReadSession, WriteSession
from base.errors import Forbidden, Malformed, Refusal, Unauthenticated
from base.idempotency import Answer, IdempotencyRace, recall, remember
from base.idempotency import Call as IdempotentCall
from base.signing import Envelope
from identity.prepared import Call, Document, Prepared, carry_out, submit
from identity.sign_in import authenticate
from identity.tables import PreparedRow
from identity.tokens import Claims
from ledger.acts import Once
from ledger.recording import Actor
from web.acts import A, ActKind, kind_of, lookup_on
from web.node import Node
from web.problems import MEDIA_TYPE as PROBLEM
from web.problems import problem_of, request_id_of

JSON: Final = "application/json"
COOKIE: Final = "databourse_session"
_READING: Final = frozenset({"GET", "HEAD"})


def node_of(request: Request) -> Node:
    """The node this process serves."""
    node: Node = request.app.state.node
    return node


NodeDep = Annotated[Node, Depends(node_of)]


class Replayed(Exception):  # control flow out of a transaction, never an error
    """This very call was answered before."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("answered before")
        self.answer = answer


class _Remembered(Once):
    """Same key, same answer: looks up before the act, keeps the answer with it."""

    def __init__(self, call: IdempotentCall, node: Node, kind: ActKind[Any], request_id: str) -> None:
        self._call, self._node, self._kind, self._request_id = call, node, kind, request_id

    async def before(self, s: WriteSession) -> None:
        known = await recall(s, self._call)
        if known is not None:
            raise Replayed(known)

    async def after(self, s: WriteSession, result: object) -> None:
        await remember(s, self._call, answer_to(self._kind, result), now=self._node.clock.now())

    async def refused(self, s: WriteSession, refusal: Refusal) -> None:
        status, body = problem_of(refusal, self._request_id)
        await remember(s, self._call, Answer(status, PROBLEM, body), now=self._node.clock.now())


def answer_to(kind: ActKind[Any], result: object) -> Answer:
    """What a done, or a prepared, act answers: 202 asks for a signature."""
    if isinstance(result, Prepared):
        return Answer(202, JSON, orjson.dumps(result.document()))
    shown = kind.answer(result)
    return Answer(kind.status, JSON, shown.model_dump_json().encode())


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who signed in, and what the request says about how to act."""

    node: Node
    actor: Actor
    claims: Claims
    request_id: str
    role: str | None
    idempotency_key: str | None

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
        documents: tuple[Document, ...] = ()
        if kind.documents is not None:
            async with self.node.database.read() as s:
                documents = tuple(await kind.documents(s, args))
        call = Call(
            actor=self.actor,
            role=role,
            act_name=kind.name,
            args=args.model_dump(mode="json"),
            attempted=kind.event,
            object_id=kind.about(args),
            documents=documents,
        )
        once = self._once(kind, kind.name, call.args)
        while True:
            try:
                done = await carry_out(
                    self.node.house, self.node.safe, call, kind.bound(args, self.node), once=once
                )
            except Replayed as replayed:
                return replayed.answer
            except IdempotencyRace:
                continue
            return answer_to(kind, done)

    async def submit(self, prepared_id: str, envelope: Envelope) -> Answer:
        """Hand in the signature of a prepared act. Raises what `identity.prepared.submit` raises."""
        async with self.node.database.read() as s:
            name = await _act_name(s, prepared_id)
        kind = kind_of(name)
        once = self._once(kind, f"submit/{prepared_id}", {"envelope": envelope.digest()})
        while True:
            try:
                done = await submit(
                    self.node.house,
                    self.node.safe,
                    prepared_id=prepared_id,
                    envelope=envelope,
                    lookup=lookup_on(self.node),
                    actor=self.actor,
                    once=once,
                )
            except Replayed as replayed:
                return replayed.answer
            except IdempotencyRace:
                continue
            return answer_to(kind, done)

    def _once(self, kind: ActKind[Any], route: str, args: Any) -> _Remembered:
        if self.idempotency_key is None:
            raise Malformed("an Idempotency-Key header is asked for")
        digest = hashlib.sha256(orjson.dumps(args, option=orjson.OPT_SORT_KEYS)).hexdigest()
        call = IdempotentCall(
            actor_id=self.actor.user_id or self.actor.org_id,
            key=self.idempotency_key,
            route=route,
            input_sha256=digest,
        )
        return _Remembered(call, self.node, kind, self.request_id)


async def _act_name(s: ReadSession, prepared_id: str) -> str:
    row = await s.get(PreparedRow, prepared_id)
    return "" if row is None else row.act_name


async def caller_of(
    request: Request,
    node: NodeDep,
    authorization: Annotated[str | None, Header()] = None,
    databourse_role: Annotated[str | None, Header(max_length=40)] = None,
    idempotency_key: Annotated[str | None, Header(max_length=64)] = None,
) -> Caller:
    """Whoever calls the API with a bearer token. Raises Unauthenticated and its kinds.

    A page's session is good for reading alone ("the same as JSON"): a cookie comes by itself, and what
    changes something has to be meant.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if authorization is None and request.method in _READING:
        scheme, token = "bearer", request.cookies.get(COOKIE, "")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("a bearer token is asked for")
    async with node.database.read() as s:
        actor, claims = await authenticate(s, node.tokens, token)
    return Caller(node, actor, claims, request_id_of(request), databourse_role, idempotency_key)


CallerDep = Annotated[Caller, Depends(caller_of)]


async def read_session(node: NodeDep) -> Any:
    """A session for questions, closed before the answer leaves."""
    async with node.database.read() as session:
        yield session


ReadDep = Annotated[ReadSession, Depends(read_session, scope="function")]


def respond(answer: Answer) -> Response:
    """An answer as a response."""
    return Response(answer.body, status_code=answer.status, media_type=answer.media_type)
