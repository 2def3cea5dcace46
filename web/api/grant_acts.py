"""The acts of authorised operation: who does them, with what, and what they answer."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final

from base.db import WriteSession
from ledger.recording import Act
from registry.operation import charging, granting, guarding, scheming, using
from registry.operation.repository import get_grant
from registry.operation.states import AGENCY, FINDERS, OPERATOR, PARTIES
from web.acts import ActKind, Args, kind
from web.node import Node
from web.operation_forms import (
    AskScenarioArgs,
    BreachArgs,
    CapsArgs,
    CodeArgs,
    CountersignArgs,
    DecideArgs,
    DiscloseArgs,
    EndScenarioArgs,
    EvaluateArgs,
    GrantArgs,
    OfScenarioArgs,
    OutcomeArgs,
    PriceArgs,
    ProductArgs,
    ReasonedArgs,
    RectifiedArgs,
    RenewArgs,
    ReportArgs,
    ResourcesArgs,
    ReviseArgs,
    SchemeArgs,
    SelectArgs,
    SignArgs,
    TerminateArgs,
    UseArgs,
)
from web.operation_views import (
    BreachView,
    GrantView,
    ProductView,
    ScenarioView,
    UseView,
    YearView,
)
from web.views import View

_Carry = Callable[[WriteSession, Act, Any, Node], Awaitable[Any]]


def _plain(verb: Callable[..., Awaitable[Any]]) -> _Carry:
    """A verb that takes the members of its arguments as they are."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **dict(args))

    return carry_out


def _valued(verb: Callable[..., Awaitable[Any]], name: str) -> _Carry:
    """A verb that takes one member of its arguments as the rules have it."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        said = dict(args) | {name: getattr(args, name).value()}
        return await verb(s, act, **said)

    return carry_out


async def _use(s: WriteSession, act: Act, args: UseArgs, node: Node) -> Any:
    del node
    about = {"grant_id": args.grant_id, "scenario_id": args.scenario_id}
    return await using.use_data(s, act, **about, use=args.value())


async def _caps(s: WriteSession, act: Act, args: CapsArgs, node: Node) -> Any:
    del node
    await charging.set_caps(s, act, grant_id=args.grant_id, **args.values())
    return await get_grant(s, grant_id=args.grant_id)


async def _report(s: WriteSession, act: Act, args: ReportArgs, node: Node) -> Any:
    del node
    rates = {name: Decimal(getattr(args, name)) for name in ("bond_yield", "margin")}
    return await charging.report_year(s, act, **(dict(args) | rates))


def _kind(
    name: str,
    event: str,
    args: type[Args],
    roles: frozenset[str],
    verb: _Carry,
    *,
    answer: Callable[[Any], View] = GrantView.of,
    about: Callable[[Any], str] = lambda args: args.grant_id,
    status: int = 200,
) -> ActKind[Any]:
    full = f"grant.{name}"
    return kind(
        ActKind(
            name=full,
            event=f"AOG.{event}",
            args=args,
            roles=roles,
            verb=verb,
            answer=answer,
            about=about,
            status=status,
        )
    )


_SCENARIO: Final = ScenarioView.of
_PRODUCT: Final = ProductView.of
DRAFT = _kind(
    "draft",
    "DRAFT_SCHEME",
    SchemeArgs,
    AGENCY,
    _valued(scheming.draft_scheme, "scheme"),
    about=lambda _: "grant",
    status=201,
)
REVISE = _kind("revise", "REVISE_SCHEME", ReviseArgs, AGENCY, _valued(scheming.revise_scheme, "scheme"))
CONSENT = _kind("consent", "CONSENT", GrantArgs, AGENCY, _plain(scheming.consent))
DECIDE = _kind("decide", "DECIDE", DecideArgs, AGENCY, _plain(scheming.decide))
ABANDON = _kind("abandon", "ABANDON", ReasonedArgs, AGENCY, _plain(scheming.abandon))
SELECT = _kind("select", "SELECT", SelectArgs, AGENCY, _valued(granting.select_operator, "selection"))
SIGN = _kind("sign", "SIGN", SignArgs, AGENCY, _valued(granting.sign, "agreement"))
COUNTERSIGN = _kind("countersign", "COUNTERSIGN", CountersignArgs, OPERATOR, _plain(granting.countersign))
RESOURCES = _kind(
    "register_resources", "REGISTER_RESOURCES", ResourcesArgs, AGENCY, _plain(granting.register_resources)
)
EVALUATE = _kind("evaluate", "EVALUATE", EvaluateArgs, AGENCY, _plain(granting.evaluate))
RENEW = _kind("renew", "RENEW", RenewArgs, AGENCY, _plain(granting.renew))
ASK_SCENARIO = _kind(
    "ask_scenario",
    "ASK_SCENARIO",
    AskScenarioArgs,
    OPERATOR,
    _valued(using.ask_scenario, "scenario"),
    answer=_SCENARIO,
    status=201,
)
APPROVE_SCENARIO = _kind(
    "approve_scenario",
    "APPROVE_SCENARIO",
    OfScenarioArgs,
    AGENCY,
    _plain(using.approve_scenario),
    answer=_SCENARIO,
)
REFUSE_SCENARIO = _kind(
    "refuse_scenario",
    "REFUSE_SCENARIO",
    EndScenarioArgs,
    AGENCY,
    _plain(using.refuse_scenario),
    answer=_SCENARIO,
)
END_SCENARIO = _kind(
    "end_scenario", "END_SCENARIO", EndScenarioArgs, PARTIES, _plain(using.end_scenario), answer=_SCENARIO
)
TELL_OUTCOME = _kind(
    "tell_outcome", "TELL_OUTCOME", OutcomeArgs, OPERATOR, _plain(using.tell_outcome), answer=_SCENARIO
)
USE = _kind("use", "USE", UseArgs, OPERATOR, _use, answer=UseView.of, status=201)
ADD_PRODUCT = _kind(
    "add_product",
    "ADD_PRODUCT",
    ProductArgs,
    OPERATOR,
    _plain(charging.add_product),
    answer=_PRODUCT,
    status=201,
)
REGISTER_PRODUCT = _kind(
    "register_product",
    "REGISTER_PRODUCT",
    CodeArgs,
    OPERATOR,
    _plain(charging.register_product),
    answer=_PRODUCT,
)
SET_CAPS = _kind("set_caps", "SET_CAPS", CapsArgs, AGENCY, _caps)
SET_PRICE = _kind("set_price", "SET_PRICE", PriceArgs, OPERATOR, _plain(charging.set_price), answer=_PRODUCT)
DISCLOSE = _kind(
    "disclose", "DISCLOSE", DiscloseArgs, OPERATOR, _plain(charging.disclose), answer=YearView.of
)
REPORT = _kind("report", "REPORT", ReportArgs, AGENCY, _report, answer=YearView.of)
BREACH = _kind(
    "find_breach",
    "BREACH_FOUND",
    BreachArgs,
    FINDERS,
    _plain(guarding.find_breach),
    answer=BreachView.of,
    status=201,
)
RECTIFIED = _kind(
    "rectified", "RECTIFIED", RectifiedArgs, OPERATOR, _plain(guarding.rectified), answer=BreachView.of
)
CLEAR = _kind("clear", "CLEAR", ReasonedArgs, FINDERS, _plain(guarding.clear))
SUSPEND = _kind("suspend", "SUSPEND", ReasonedArgs, FINDERS, _plain(guarding.suspend))
RESUME = _kind("resume", "RESUME", ReasonedArgs, FINDERS, _plain(guarding.resume))
TERMINATE = _kind("terminate", "TERMINATE", TerminateArgs, AGENCY, _plain(guarding.terminate))
