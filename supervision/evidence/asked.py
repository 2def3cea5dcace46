"""What is asked of a table that nobody sees, and what the exchange's screen sees in what is offered.

A question's values stay in its opening: the table has its digests, and its shape, which is what is asked of
which columns, whatever they are compared with.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from supervision.evidence.facts import Fact, whole

TableRow = tuple[str, Mapping[str, Any]]
_QUERY: Final = "DLV.QUERY"
_APPROVE: Final = "DLV.APPROVE_ALGORITHM"
_SCREENED: Final = {"LST.SCREEN_PASS": "passed", "LST.SCREEN_FAIL": "failed"}


def asked_of(fact: Fact, listings: Mapping[str, Mapping[str, Any]]) -> Iterator[TableRow]:
    """The row of a question that was answered, approved or refused, or of a screen; mostly none."""
    said, opened = fact.said, fact.opened
    if fact.event in {_QUERY, _APPROVE}:
        asked = fact.event == _QUERY
        yield (
            "questions",
            _of_right(fact, said)
            | {
                **{name: said.get(name) for name in ("product_id", "algorithm_sha256")},
                "trade_id": said.get("trade_id"),
                "org_id": said.get("buyer_id"),
                "event": "asked" if asked else "approved",
                **_digests(opened.get("query")),
                "epsilon_micro": whole(said.get("epsilon_micro")) if asked else None,
            },
        )
    elif fact.event == "REF.REFUSE" and opened.get("attempted", said.get("attempted")) == _QUERY:
        right = {"entitlement_id": opened.get("object", fact.object_id)}
        told = {
            "event": "refused",
            "code": opened.get("code", said.get("code")),
            "org_id": said.get("refused"),
        }
        yield "questions", _of_right(fact, right) | told
    elif fact.event in _SCREENED:
        listing = listings.get(fact.object_id, {})
        row = {"listing_id": fact.object_id, "outcome": _SCREENED[fact.event], "at": fact.at, "seq": fact.seq}
        row |= {name: listing.get(name) for name in ("product_id", "seller_id")}
        yield "screenings", row | {"reasons": list(said.get("reasons") or ())}


def _of_right(fact: Fact, said: Mapping[str, Any]) -> dict[str, Any]:
    return {"entitlement_id": said.get("entitlement_id"), "at": fact.at, "seq": fact.seq}


def _digests(query: Any) -> dict[str, str]:
    """Of the question as it was asked, and of its outputs, groups and the columns that conditions name.

    The statement's own digest has a nonce: two of one question differ. Nothing where the question is gone.
    """
    if not isinstance(query, Mapping):
        return {}
    selected = sorted({(str(one.get("aggregate")), str(one.get("column"))) for one in query["select"]})
    shape = {
        "select": [list(one) for one in selected],
        "group_by": sorted(map(str, query.get("group_by") or ())),
        "columns": sorted(set(_columns(query.get("where")))),
    }
    return {"form_sha256": sha256_hex(canonical(query)), "shape_sha256": sha256_hex(canonical(shape))}


def _columns(node: Any) -> Iterator[str]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, Mapping):
            if "column" in one:
                yield str(one["column"])
            else:
                waiting.extend(one.values())
