"""What a party takes home of a contract: document, signatures, policy, paper, clauses. Strangers check it."""

import hashlib
from base64 import b64decode
from copy import deepcopy

import orjson
import pypdfium2
import pytest
import zxingcpp
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from market.orders.policy import MEDIA_TYPE
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk


async def signers(desk: Desk, room: Room) -> list[SSlibKey]:
    """The registered keys of the parties, as the exchange publishes them."""
    keys = []
    for name in ("provider", "buyer", "broker"):
        for key in await desk.get(f"/organisations/{room.market.people[name].org_id}/keys"):
            public = b64decode(key["public_key"])
            keys.append(SSlibKey(key["keyid"], "ed25519", "ed25519", {"public": public.hex()}))
    return keys


async def test_foreign_dsse_code_verifies_everybody_s_signature_over_one_contract(room: Room) -> None:
    buyer = await room.desk("buyer")
    path = f"/trades/{room.ids['settled']}"
    document = await buyer.get(f"{path}/contract.dsse.json")
    contract = await buyer.get(f"{path}/contract")
    envelope, keys = Envelope.from_dict(deepcopy(document)), await signers(buyer, room)
    assert len(envelope.verify(keys, 3)) == 3
    payload = orjson.loads(envelope.payload)
    (subject,) = [one for one in payload["subject"] if one["name"] == "contract"]
    assert subject["digest"]["sha256"] == contract["contract_sha256"]
    assert set(payload["predicate"]["parties"]) == set(contract["signed_by"])
    document["payload"] = document["payload"][:-8] + "AAAAAAA="
    with pytest.raises(VerificationError):
        Envelope.from_dict(document).verify(keys, 1)


async def test_the_policy_comes_byte_for_byte_as_the_contract_digests_it(room: Room) -> None:
    buyer = await room.desk("buyer")
    path = f"/trades/{room.ids['ready']}"
    contract = (await buyer.get(f"{path}/contract"))["document"]
    answer = await buyer.call("GET", f"{path}/policy.odrl.jsonld")
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
    digest = contract["licence"]["policy_sha256"]
    assert hashlib.sha256(answer.content).hexdigest() == digest
    assert answer.headers["etag"] == f'"{digest}"'
    assert answer.json()["permission"][0]["assignee"] == f"urn:databourse:org:{buyer.org_id}"


async def test_the_model_clauses_are_public_and_have_the_digests_that_the_contract_names(room: Room) -> None:
    buyer = await room.desk("buyer")
    contract = (await buyer.get(f"/trades/{room.ids['ready']}/contract"))["document"]
    known = (await room.http.get("/api/v1/contract-models")).json()
    assert [one["id"] for one in known] == ["PROVISION", "PROCESSING", "FUSION", "INTERMEDIARY"]
    (annex,) = contract["annexes"]
    assert annex["mandate_id"] == room.ids["mandate"]
    for named in (contract["model"], annex):
        path = f"/api/v1/contract-models/{named['id']}/{named['version']}"
        digests = {"zh": named["sha256"]} | named["translations"]
        for lang, digest in digests.items():
            clauses = await room.http.get(f"{path}/{lang}")
            assert hashlib.sha256(clauses.content).hexdigest() == digest
    missing = await room.http.get("/api/v1/contract-models/PROVISION/2/zh")
    assert (missing.status_code, missing.json()["code"]) == (404, "contract-model-unknown")


async def test_the_paper_carries_the_digest_and_its_code_leads_to_the_entry_with_its_receipt(
    room: Room,
) -> None:
    buyer = await room.desk("buyer")
    path = f"/trades/{room.ids['settled']}"
    digest = (await buyer.get(f"{path}/contract"))["contract_sha256"]
    for lang in ("zh", "en"):
        answer = await buyer.call("GET", f"{path}/contract.pdf?lang={lang}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        again = await buyer.call("GET", f"{path}/contract.pdf?lang={lang}")
        assert again.content == answer.content
        assert again.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
        with pypdfium2.PdfDocument(answer.content) as paper:
            text = paper[0].get_textpage().get_text_range()
            (code,) = zxingcpp.read_barcodes(paper[0].render(scale=3).to_pil())
        assert digest in text
        base = room.served.node.settings.public_url.rstrip("/")
        assert code.text == f"{base}/{lang}/contracts/{digest}"
        page = await room.http.get(code.text.removeprefix(base))
        assert page.status_code == 303
        seq = int(page.headers["location"].rsplit("/", 1)[1])
        said = (await room.http.get(f"/api/v1/ledger/entries/{seq}")).json()
        envelope = orjson.loads(b64decode(said["entry"]))["envelope"]
        payload = orjson.loads(b64decode(envelope["payload"]))
        assert payload["predicate"]["contract_sha256"] == digest
        assert payload["predicateType"].endswith("TRD.CONTRACT:v1")
        receipt = await room.http.get(f"/api/v1/ledger/entries/{seq}/receipt")
        assert receipt.status_code == 200


async def test_a_contract_that_is_not_concluded_has_a_paper_and_no_entry(room: Room) -> None:
    buyer = await room.desk("buyer")
    path = f"/trades/{room.ids['ready']}"
    digest = (await buyer.get(f"{path}/contract"))["contract_sha256"]
    assert (await buyer.call("GET", f"{path}/contract.pdf")).status_code == 200
    for unknown in (digest, "ab" * 32):
        assert (await room.http.get(f"/zh/contracts/{unknown}")).status_code == 404


@pytest.mark.parametrize("what", ["contract", "contract.dsse.json", "contract.pdf", "policy.odrl.jsonld"])
async def test_what_a_contract_says_is_its_parties_and_supervisors_business(room: Room, what: str) -> None:
    path = f"/trades/{room.ids['settled']}/{what}"
    stranger = await (await room.desk("second")).call("GET", path)
    assert (stranger.status_code, stranger.json()["code"]) == (404, "trade-unknown")
    assert (await (await room.desk("samr")).call("GET", path)).status_code == 200
    early = await (await room.desk("buyer")).call("GET", f"/trades/{room.ids['negotiating']}/{what}")
    assert (early.status_code, early.json()["code"]) == (409, "contract-not-drawn-up")


async def test_an_access_declares_what_for_and_for_whom_and_a_refusal_stands_in_the_ledger(
    room: Room,
) -> None:
    buyer = await room.desk("buyer")
    (entitlement,) = [
        one for one in await buyer.get("/entitlements") if one["trade_id"] == room.ids["delivering"]
    ]
    path = f"/entitlements/{entitlement['entitlement_id']}/file"
    for asked, code in (
        ("purpose=MARKETING", "policy-purpose"),
        (f"recipient={room.market.second.org_id}", "policy-recipient"),
    ):
        refused = await buyer.call("GET", f"{path}?{asked}")
        assert (refused.status_code, refused.json()["code"]) == (409, code)
        assert refused.json()["rule_id"].startswith("USE-")
    assert (await buyer.call("GET", f"{path}?purpose=FUN")).status_code == 422
    taken = await buyer.call("GET", f"{path}?purpose=INTERNAL_USE")
    assert (taken.status_code, hashlib.sha256(taken.content).hexdigest()) == (200, entitlement["sha256"])
