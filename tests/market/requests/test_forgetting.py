"""The texts of a request and of its answers go on a legal ground, once the request is over."""

from typing import Any

from sqlmodel import select

from cases.erasing import erase_opening
from cases.errors import OpeningInUse
from ledger.erasure import ERASED
from ledger.reader import opening, statements_of
from market.requests.repository import answers_of, get_request
from market.requests.service import withdraw_request
from market.requests.tables import DataRequest
from tests.market.requests.test_requests import answer, publish
from tests.market.trade.scene import Scene
from tests.standstill import refused


async def erase(scene: Scene, object_id: str, event: str) -> Any:
    async with scene.database.read() as s:
        said = [one for one in await statements_of(s, object_id=object_id) if one.event == event][-1]
    await scene.house.operator.do(
        erase_opening,
        attempted="OPN.ERASE",
        object_id=said.statement_id,
        statement_id=said.statement_id,
        basis="PIPL-47-1",
        reason="the person asked for it",
    )
    return said


async def test_what_a_request_said_is_kept_while_it_is_open_and_forgotten_after_it(scene):
    request = await publish(scene)
    await answer(scene, request, note="only for you")
    async with refused(scene.database, OpeningInUse):
        await erase(scene, request.request_id, "REQ.PUBLISH")
    await scene.buyer.do(withdraw_request, request_id=request.request_id)
    published = await erase(scene, request.request_id, "REQ.PUBLISH")
    answered = await erase(scene, request.request_id, "REQ.ANSWER")
    async with scene.database.read() as s:
        row = await get_request(s, request_id=request.request_id)
        (kept,) = await answers_of(s, request_id=request.request_id)
        gone = [await opening(s, sha256=one.opening_sha256 or "") for one in (published, answered)]
        others = (await s.exec(select(DataRequest.title).where(DataRequest.title != ERASED))).all()
    assert (row.title, row.description, row.period, row.volume) == (ERASED,) * 4
    assert (row.budget_min_minor, row.budget_max_minor) == (None, None)
    assert (kept.note, gone, list(others)) == (ERASED, [None, None], [])
