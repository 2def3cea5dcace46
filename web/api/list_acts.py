"""The acts of the lists: who does them, with what, and what they answer."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from base.db import WriteSession
from ledger.recording import Act
from registry.lists import cataloguing, census, demanding, entering, sharing, sourcing
from registry.lists.states import AGENCY, AUTHORITY
from web import list_forms as f
from web import list_views as v
from web.acts import ActKind, Args, kind
from web.lists import ask_for, enter_rows
from web.node import Node
from web.views import View

EITHER: Final = AGENCY | AUTHORITY
_Carry = Callable[[WriteSession, Act, Any, Node], Awaitable[Any]]
_Shown = tuple[type[View], str]
"""What an act answers, and the member of its arguments that names what it is about."""


def _plain(verb: Callable[..., Awaitable[Any]]) -> _Carry:
    """A verb that takes the members of its arguments as they are."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **dict(args))

    return carry_out


def _valued(verb: Callable[..., Awaitable[Any]], name: str, *beside: str) -> _Carry:
    """A verb that takes what the form says as one value, and some members beside it."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **{name: args.value()}, **{one: getattr(args, one) for one in beside})

    return carry_out


def _kind(
    name: str,
    event: str,
    args: type[Args],
    verb: _Carry,
    shown: _Shown,
    *,
    roles: frozenset[str] = AGENCY,
    status: int = 200,
) -> ActKind[Any]:
    view, about = shown
    return kind(
        ActKind(
            name=f"lists.{name}",
            event=event,
            args=args,
            roles=roles,
            verb=verb,
            answer=view.model_validate,
            about=lambda given: getattr(given, about, None) or about.removesuffix("_id"),
            status=status,
        )
    )


_SYS: Final[_Shown] = v.SystemView, "system_id"
_DAT: Final[_Shown] = v.DataView, "data_id"
_DEM: Final[_Shown] = v.DemandView, "demand_id"
_ITM: Final[_Shown] = v.ItemView, "item_id"
_SHR: Final[_Shown] = v.ShareView, "share_id"
_CEN: Final[_Shown] = v.CensusView, "census_id"
ENTER_SYSTEM = _kind(
    "enter_system",
    "SYS.ENTER",
    f.EnterSystemArgs,
    _valued(entering.enter_system, "system"),
    _SYS,
    status=201,
)
CHANGE_SYSTEM = _kind(
    "change_system",
    "SYS.CHANGE",
    f.ChangeSystemArgs,
    _valued(entering.change_system, "system", "system_id", "version"),
    _SYS,
)
RETIRE_SYSTEM = _kind("retire_system", "SYS.RETIRE", f.RetireSystemArgs, _plain(entering.retire_system), _SYS)
ENTER_DATA = _kind(
    "enter_data",
    "DAT.ENTER",
    f.EnterDataArgs,
    _valued(cataloguing.enter_data, "entry"),
    _DAT,
    status=201,
)
CHANGE_DATA = _kind(
    "change_data",
    "DAT.CHANGE",
    f.ChangeDataArgs,
    _valued(cataloguing.change_data, "entry", "data_id", "version"),
    _DAT,
)
MOUNT = _kind("mount", "DAT.MOUNT", f.MountArgs, _plain(cataloguing.mount), _DAT)
FLAG = _kind("flag", "DAT.FLAG", f.FlagArgs, _plain(cataloguing.flag), _DAT)
RETIRE_DATA = _kind("retire_data", "DAT.RETIRE", f.RetireDataArgs, _plain(cataloguing.retire_data), _DAT)
ENTER_DEMAND = _kind(
    "enter_demand",
    "DEM.ENTER",
    f.EnterDemandArgs,
    _valued(demanding.enter_demand, "demand"),
    _DEM,
    status=201,
)
CHANGE_DEMAND = _kind(
    "change_demand",
    "DEM.CHANGE",
    f.ChangeDemandArgs,
    _valued(demanding.change_demand, "demand", "demand_id", "version"),
    _DEM,
)
MATCH = _kind("match", "DEM.MATCH", f.MatchArgs, _plain(demanding.match), _DEM, roles=EITHER)
PLAN = _kind("plan", "DEM.PLAN", f.PlanArgs, _plain(demanding.plan), _DEM, roles=EITHER)
RETIRE_DEMAND = _kind(
    "retire_demand", "DEM.RETIRE", f.RetireDemandArgs, _plain(demanding.retire_demand), _DEM
)
PROPOSE = _kind(
    "propose",
    "ITM.PROPOSE",
    f.ProposeArgs,
    _valued(sourcing.propose, "item", "differs_from"),
    _ITM,
    roles=EITHER,
    status=201,
)
CLAIM = _kind("claim", "ITM.CLAIM", f.ClaimArgs, _plain(sourcing.claim), _ITM)
ASSIGN = _kind("assign", "ITM.ASSIGN", f.AssignArgs, _plain(sourcing.assign), _ITM, roles=AUTHORITY)
CONFIRM = _kind("confirm", "ITM.CONFIRM", f.OfItemArgs, _plain(sourcing.confirm), _ITM, roles=EITHER)
RESOLVE = _kind("resolve", "ITM.RESOLVE", f.ResolveArgs, _plain(sourcing.resolve), _ITM, roles=AUTHORITY)
CHANGE_ITEM = _kind(
    "change_item",
    "ITM.CHANGE",
    f.ChangeItemArgs,
    _valued(sourcing.change_item, "item", "item_id", "differs_from"),
    _ITM,
    roles=AUTHORITY,
)
RETIRE_ITEM = _kind(
    "retire_item", "ITM.RETIRE", f.RetireItemArgs, _plain(sourcing.retire_item), _ITM, roles=AUTHORITY
)
ASK = _kind("ask", "SHR.SUBMIT", f.AskArgs, ask_for, _SHR, status=201)
GRANT = _kind("grant", "SHR.GRANT", f.GrantArgs, _plain(sharing.grant), _SHR, roles=EITHER)
REFUSE = _kind("refuse", "SHR.REFUSE", f.RefuseArgs, _plain(sharing.refuse), _SHR, roles=EITHER)
CONTEST = _kind("contest", "SHR.CONTEST", f.ContestArgs, _plain(sharing.contest), _SHR)
SERVE = _kind("serve", "SHR.SERVE", f.ServeArgs, _plain(sharing.serve), _SHR)
WITHDRAW = _kind("withdraw", "SHR.WITHDRAW", f.OfShareArgs, _plain(sharing.withdraw), _SHR)
CLOSE = _kind("close", "SHR.CLOSE", f.OfShareArgs, _plain(sharing.close), _SHR)
OPEN_CENSUS = _kind(
    "open_census",
    "CEN.OPEN",
    f.OpenCensusArgs,
    _plain(census.open_census),
    _CEN,
    roles=AUTHORITY,
    status=201,
)
RETURN = _kind("return", "CEN.RETURN", f.ReturnArgs, _plain(census.return_lists), (v.ReturnView, "census_id"))
CLOSE_CENSUS = _kind(
    "close_census",
    "CEN.CLOSE",
    f.OfCensusArgs,
    _plain(census.close_census),
    _CEN,
    roles=AUTHORITY,
)
ENTER_IMPORT = _kind("enter_import", "LIM.ENTER", f.ImportArgs, enter_rows, (v.ImportView, "import_id"))
