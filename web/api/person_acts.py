"""The acts of holders and receivers of persons' data: who does them, with what, and what they answer."""

from collections.abc import Callable
from typing import Any

from base.db import WriteSession
from ledger.recording import Act
from registry.subjects import asking, consenting, entering, telling, wordings
from registry.subjects.states import HOLDERS, RECEIVERS
from web.acts import ActKind, Args, kind
from web.node import Node
from web.person_forms import (
    AnswerArgs,
    ConfirmArgs,
    InviteArgs,
    OfRequestArgs,
    OfWordingArgs,
    RefuseArgs,
    ShowArgs,
    TieArgs,
    WordingArgs,
    desk_of,
)
from web.person_views import (
    DeletionView,
    GivenView,
    RequestView,
    TieView,
    WordingView,
)
from web.views import View


async def _invite(s: WriteSession, act: Act, args: InviteArgs, node: Node) -> Any:
    mark = desk_of(node).mark_of(args.invitation_sha256)
    return await entering.invite(s, act, pseudonym=args.pseudonym, code_mark=mark)


async def _recall(s: WriteSession, act: Act, args: TieArgs, node: Node) -> Any:
    del node
    return await entering.recall(s, act, tie_id=args.tie_id)


async def _publish(s: WriteSession, act: Act, args: WordingArgs, node: Node) -> Any:
    del node
    return await wordings.publish(s, act, asked=args.value())


async def _retire(s: WriteSession, act: Act, args: OfWordingArgs, node: Node) -> Any:
    del node
    return await wordings.retire(s, act, wording_id=args.wording_id)


async def _show(s: WriteSession, act: Act, args: ShowArgs, node: Node) -> Any:
    del node
    about = {"given_id": args.given_id, "consent_id": args.consent_id}
    return await consenting.show(s, act, **about, path=args.path())


async def _answer(s: WriteSession, act: Act, args: AnswerArgs, node: Node) -> Any:
    return await asking.answer(s, act, desk=desk_of(node), **dict(args))


async def _refuse(s: WriteSession, act: Act, args: RefuseArgs, node: Node) -> Any:
    return await asking.refuse(s, act, desk=desk_of(node), **dict(args))


async def _finish(s: WriteSession, act: Act, args: OfRequestArgs, node: Node) -> Any:
    del node
    return await asking.finish(s, act, request_id=args.request_id)


async def _confirm(s: WriteSession, act: Act, args: ConfirmArgs, node: Node) -> Any:
    del node
    return await telling.confirm_deletion(s, act, **dict(args))


def _kind(
    name: str,
    event: str,
    args: type[Args],
    verb: Any,
    *,
    answer: type[View],
    about: Callable[[Any], str],
    roles: frozenset[str] = HOLDERS,
    status: int = 200,
) -> ActKind[Any]:
    return kind(
        ActKind(
            name=f"person.{name}",
            event=event,
            args=args,
            roles=roles,
            verb=verb,
            answer=answer.model_validate,
            about=about,
            status=status,
        )
    )


INVITE = _kind(
    "invite",
    "SBT.INVITE",
    InviteArgs,
    _invite,
    answer=TieView,
    about=lambda _: "person",
    status=201,
)
RECALL = _kind("recall", "SBT.RECALL", TieArgs, _recall, answer=TieView, about=lambda args: args.tie_id)
PUBLISH = _kind(
    "publish_wording",
    "SCW.PUBLISH",
    WordingArgs,
    _publish,
    answer=WordingView,
    about=lambda args: args.object_id,
    status=201,
)
RETIRE = _kind(
    "retire_wording",
    "SCW.RETIRE",
    OfWordingArgs,
    _retire,
    answer=WordingView,
    about=lambda args: args.wording_id,
)
SHOW = _kind("show", "SGC.SHOW", ShowArgs, _show, answer=GivenView, about=lambda args: args.given_id)
ANSWER = _kind(
    "answer", "SRQ.ANSWER", AnswerArgs, _answer, answer=RequestView, about=lambda args: args.request_id
)
REFUSE = _kind(
    "refuse", "SRQ.REFUSE", RefuseArgs, _refuse, answer=RequestView, about=lambda args: args.request_id
)
FINISH = _kind(
    "finish", "SRQ.FINISH", OfRequestArgs, _finish, answer=RequestView, about=lambda args: args.request_id
)
CONFIRM = _kind(
    "confirm_deletion",
    "SDD.CONFIRM",
    ConfirmArgs,
    _confirm,
    answer=DeletionView,
    about=lambda args: args.deletion_id,
    roles=RECEIVERS,
)
