"""A trade's contract on its page: the document, who signed it, and the form that signs."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from base.db import ReadSession
from market.orders import repository
from market.orders.service import parties_of
from web.pages.room import Room, Taken
from web.pages.steps import Step, missing_signers


async def shown(s: ReadSession, room: Room) -> Mapping[str, Any]:
    """The contract as it stands, its signatures, and who has not signed yet."""
    contract = await repository.get_contract(s, trade_id=room.trade.trade_id)
    signatures = await repository.signatures_of(s, trade_id=room.trade.trade_id)
    signed = {signature.org_id for signature in signatures}
    return {
        "contract": None if contract is None or not contract.document else orjson.loads(contract.document),
        "contract_sha256": None if contract is None else contract.contract_sha256,
        "signatures": signatures,
        "missing": missing_signers(parties_of(room.trade), signed),
    }


TAKEN: Final[Mapping[Step, Taken]] = {Step.SIGN: Taken("trade.sign")}
