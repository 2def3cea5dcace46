"""A product's history over HTTP and from a bundle: the same, of foreign forms, no more than is public."""

import json
from pathlib import Path
from typing import Any

import attr
import jsonschema
import openlineage.client.event_v2 as ol
import prov.model
import prov.tests
import pytest
from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
from openlineage.client.generated.job_type_job import JobTypeJobFacet
from openlineage.client.generated.ownership_dataset import Owner, OwnershipDatasetFacet
from sqlalchemy import event
from typer.testing import CliRunner

from base.canonical import sha256_hex
from cli.exporting import export_bundle, export_closed
from cli.main import app
from cli.node_keys import next_log
from ledger import reader
from ledger.bundle import Edition
from supervision.provenance.prov import prov_json
from tests.market.listings.goods import CLEAN
from tests.web.api.conftest import Room
from tests.web.api.goods import drafted
from tests.web.api.refusing import problem
from tests.web.market import upload
from web.lineage import lineage_of
from web.node import open_node

ELSEWHERE = "ab" * 32
FACETS = {
    "version": DatasetVersionDatasetFacet,
    "ownership": OwnershipDatasetFacet,
    "jobType": JobTypeJobFacet,
}


async def listing(room: Room, derived_from: list[str], *, marker: str, **more: Any) -> dict[str, Any]:
    """A draft of a product that was made from others."""
    provider = await room.desk("provider")
    raw = CLEAN.replace("4401", marker).encode()
    file_id = await upload(room.served, room.market.provider, "made.csv", raw)
    draft = await provider.act("/listings", drafted(file_id, derived_from=derived_from, **more))
    return dict(draft) | {"sha256": sha256_hex(raw)}


async def history(room: Room, named: str, **asked: Any) -> dict[str, Any]:
    answer = await room.http.get(f"/api/v1/products/{named}/provenance", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def product_of(room: Room, listing_id: str) -> str:
    found: str = (await history(room, listing_id))["product"]["product_id"]
    return found


async def test_a_listed_product_tells_who_brought_measured_traded_and_received_it(room: Room) -> None:
    found = await history(room, room.ids["listed"])
    (version,) = found["product"]["versions"]
    assert version["seller_id"] == room.market.provider.org_id
    assert found["organisations"][version["seller_id"]] == "粤能数科"
    assert [step["event"] for step in version["steps"]] == [
        "LST.DRAFT",
        "LST.SUBMIT",
        "LST.APPROVE",
        "LST.LIST",
    ]
    (run,) = version["measured"]
    assert run["file_sha256"] == version["file_sha256"]
    assert set(run["dimensions"]) >= {"accuracy", "completeness"}
    assert [trade["trade_id"] for trade in found["trades"]] == [
        room.ids[name] for name in ("delivering", "delivered", "settled")
    ]
    settled = found["trades"][2]
    assert (settled["buyer_id"], settled["broker_id"]) == (
        room.market.buyer.org_id,
        room.market.broker.org_id,
    )
    assert settled["delivered_file_sha256"] == version["file_sha256"]
    assert settled["steps"][-1]["event"] == "TRD.SETTLE"
    async with room.database.read() as s:
        entry = await reader.entry(s, seq=settled["steps"][-1]["seq"])
    assert entry.payload["predicate"]["object"] == room.ids["settled"]


async def test_sources_are_found_at_any_depth_by_product_and_by_file_and_descendants_beside(
    room: Room,
) -> None:
    first = await product_of(room, room.ids["listed"])
    second = await listing(room, [first, ELSEWHERE], marker="4402")
    third = await listing(room, [second["sha256"]], marker="4404")
    found = await history(room, third["listing_id"])
    assert [product["product_id"] for product in found["sources"]] == [second["product_id"], first]
    assert found["files"] == [ELSEWHERE]
    assert found["derived"] == []
    above = await history(room, first)
    assert [product["product_id"] for product in above["derived"]] == [second["product_id"]]
    middle = await history(room, second["product_id"])
    assert [product["product_id"] for product in middle["sources"]] == [first]
    assert [product["product_id"] for product in middle["derived"]] == [third["product_id"]]


async def test_trades_come_page_by_page(room: Room) -> None:
    seen, after = [], None
    for _ in range(5):
        page = await history(room, room.ids["listed"], limit=1, **({"after": after} if after else {}))
        seen += [trade["trade_id"] for trade in page["trades"]]
        after = page["next_after"]
        if after is None:
            break
    assert seen == [room.ids[name] for name in ("delivering", "delivered", "settled")]


async def test_every_question_is_answered_by_an_index(room: Room) -> None:
    """No table of the ledger is read from end to end, however many statements there are."""
    middle = await made_of_three(room)
    asked: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:
        asked.append((call[2], call[3]))

    async with room.database.read() as s:
        engine = s.get_bind()
        event.listen(engine, "before_cursor_execute", note)
        try:
            await lineage_of(s, middle, origin="x", after=room.ids["settled"], limit=50)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        questions = [(text, values) for text, values in asked if text.startswith("SELECT")]
        assert len(questions) >= 8
        connection = await s.connection()
        for text, values in questions:
            plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)).all()
            assert [row[-1] for row in plan if row[-1].startswith("SCAN ledger_")] == [], text


async def test_the_history_is_everybody_s_and_says_no_more_than_is_public(room: Room) -> None:
    for form in ("json", "prov", "openlineage"):
        path = f"/api/v1/products/{room.ids['listed']}/provenance"
        answer = await room.http.get(path, params={"format": form})
        assert answer.status_code == 200
        for private in ("68000000", "680000", "信贷风险", "用电指数", "price", "GZ-DB-2026-0001"):
            assert private not in answer.text, (form, private)


@pytest.mark.parametrize("named", ["prd_00000000000000000000000000", "lst_00000000000000000000000000"])
async def test_what_the_ledger_does_not_know_has_no_history(room: Room, named: str) -> None:
    answer = await room.http.get(f"/api/v1/products/{named}/provenance")
    problem(answer, 404, "product-unknown")


async def test_what_is_no_product_or_form_is_malformed(room: Room) -> None:
    for path in ("products/trd_00000000000000000000000000/provenance",):
        problem(await room.http.get(f"/api/v1/{path}"), 422, "malformed")
    path = f"/api/v1/products/{room.ids['listed']}/provenance"
    for asked in ({"format": "xml"}, {"limit": "0"}, {"limit": "51"}, {"after": "x"}, {"other": "1"}):
        problem(await room.http.get(path, params=asked), 422, "malformed")


async def test_a_draft_that_names_itself_twice_or_nothing_known_as_its_source_is_refused(room: Room) -> None:
    provider = await room.desk("provider")
    raw = CLEAN.replace("4401", "4405").encode()
    file_id = await upload(room.served, room.market.provider, "made.csv", raw)
    for sources, status, code in (
        ([sha256_hex(raw)], 422, "listing-malformed"),
        ([ELSEWHERE, ELSEWHERE], 422, "listing-malformed"),
        (["prd_00000000000000000000000000"], 404, "listing-unknown"),
        (["trd_00000000000000000000000000"], 422, "listing-malformed"),
        (["x"], 422, "malformed"),
        ([f"{n:064x}" for n in range(21)], 422, "malformed"),
    ):
        answer = await provider.call("POST", "/listings", drafted(file_id, derived_from=sources))
        problem(answer, status, code)


async def made_of_three(room: Room) -> str:
    """A chain of products, sealed; answers the middle one."""
    first = await product_of(room, room.ids["listed"])
    second = await listing(room, [first, ELSEWHERE], marker="4402")
    await listing(room, [second["product_id"]], marker="4404")
    await room.served.settle_down()
    return str(second["product_id"])


async def test_the_prov_document_is_valid_and_survives_the_prov_package(room: Room) -> None:
    for named in (await made_of_three(room), room.ids["listed"]):
        answer = await room.http.get(f"/api/v1/products/{named}/provenance", params={"format": "prov"})
        schema = json.loads(
            (Path(prov.tests.__file__).parent / "schemas" / "prov-json.schema.json").read_text()
        )
        validator = jsonschema.validators.validator_for(schema)
        validator.check_schema(schema)
        assert [str(error) for error in validator(schema).iter_errors(answer.json())] == []
        read = prov.model.ProvDocument.deserialize(content=answer.text, format="json")
        again = prov.model.ProvDocument.deserialize(content=read.serialize(format="json"), format="json")
        assert again == read
        unified = read.unified()
        assert len(list(read.get_records())) == len(list(unified.get_records()))


async def test_the_prov_document_says_who_what_and_from_what(room: Room) -> None:
    middle = await made_of_three(room)
    document = await history(room, middle, format="prov")
    first = await product_of(room, room.ids["listed"])
    used = {one["prov:usedEntity"] for one in document["wasDerivedFrom"].values()}
    assert used == {f"db:{first}", f"db:file-{ELSEWHERE}", f"db:{middle}"}
    traded = await history(room, room.ids["listed"], format="prov")
    trade = traded["activity"][f"db:{room.ids['settled']}"]
    assert trade["db:state"] == "SETTLED"
    roles = {
        (one["prov:agent"], one["prov:role"])
        for one in traded["wasAssociatedWith"].values()
        if one["prov:activity"] == f"db:{room.ids['settled']}"
    }
    people = room.market.people
    assert roles == {(f"db:{people[n].org_id}", n) for n in ("provider", "buyer", "broker")}
    assert traded["entity"][f"db:copy-{room.ids['settled']}"]["db:sha256"]
    for relations in (value for name, value in traded.items() if name.startswith("was")):
        assert all(
            isinstance(one["db:seq"], int) and len(one["db:envelope"]) == 64 for one in relations.values()
        )


def event_of(document: dict[str, Any]) -> ol.RunEvent:
    """A run event through the classes of `openlineage-python`, which check what they are given."""

    def facets(found: dict[str, Any]) -> dict[str, Any]:
        made = {}
        for name, facet in found.items():
            assert {"_producer", "_schemaURL"} <= facet.keys()
            if name in FACETS:
                plain = {key: value for key, value in facet.items() if not key.startswith("_")}
                if "owners" in plain:
                    plain["owners"] = [Owner(**owner) for owner in plain["owners"]]
                made[name] = FACETS[name](**plain)
                assert made[name]._get_schema() == facet["_schemaURL"]
        return made

    def datasets(kind: Any, found: list[dict[str, Any]]) -> list[Any]:
        return [kind(one["namespace"], one["name"], facets=facets(one["facets"])) for one in found]

    assert document["schemaURL"] == ol.RunEvent._get_schema()
    assert set(document) <= {field.name for field in attr.fields(ol.RunEvent)}
    return ol.RunEvent(
        eventType=ol.RunState[document["eventType"]],
        eventTime=document["eventTime"],
        producer=document["producer"],
        run=ol.Run(document["run"]["runId"], facets=facets(document["run"]["facets"])),
        job=ol.Job(document["job"]["namespace"], document["job"]["name"], facets(document["job"]["facets"])),
        inputs=datasets(ol.InputDataset, document["inputs"]),
        outputs=datasets(ol.OutputDataset, document["outputs"]),
    )


async def test_the_run_events_are_of_openlineage_s_classes_and_every_run_begins_and_ends(room: Room) -> None:
    await made_of_three(room)
    path = f"/api/v1/products/{room.ids['listed']}/provenance"
    answer = await room.http.get(path, params={"format": "openlineage"})
    events = [event_of(one) for one in answer.json()]
    assert [one.eventTime for one in events] == sorted(one.eventTime for one in events)
    runs: dict[str, list[str]] = {}
    for one in events:
        runs.setdefault(f"{one.job.name} {one.run.runId}", []).append(one.eventType.value)
    kinds = [(name.split()[0].rpartition(".")[2], tuple(found)) for name, found in runs.items()]
    assert sorted(kinds) == [
        ("draft", ("START", "COMPLETE")),
        ("draft", ("START", "COMPLETE")),
        ("measure", ("START", "COMPLETE")),
        ("trade", ("START", "COMPLETE")),
        ("trade", ("START", "COMPLETE")),
        ("trade", ("START", "OTHER")),
    ]
    delivered = [one for one in answer.json() if one["job"]["name"].endswith(".trade") and one["outputs"]]
    (bought,) = {one["outputs"][0]["namespace"] for one in delivered}
    assert bought.endswith(room.market.buyer.org_id)


@pytest.mark.parametrize("edition", [Edition.PUBLIC, Edition.REGULATOR])
async def test_a_bundle_tells_the_same_byte_for_byte(room: Room, tmp_path: Path, edition: Edition) -> None:
    middle = await made_of_three(room)
    await export_bundle(room.served.node, tmp_path / "bundle", edition)
    for option, named in (("--product", middle), ("--listing", room.ids["listed"])):
        for form in ("prov", "openlineage"):
            served = await room.http.get(
                f"/api/v1/products/{named}/provenance", params={"format": form, "limit": 50}
            )
            told = CliRunner().invoke(
                app, ["provenance", str(tmp_path / "bundle"), option, named, "--format", form]
            )
            assert told.exit_code == 0, told.output
            assert told.stdout_bytes == served.content


async def test_the_command_says_what_it_cannot_tell(room: Room, tmp_path: Path) -> None:
    await export_bundle(room.served.node, tmp_path / "bundle", Edition.PUBLIC)
    bundle = str(tmp_path / "bundle")
    for arguments, code in (
        ([bundle, "--product", "prd_nobody"], 1),
        ([bundle, "--listing", "lst_nobody"], 1),
        ([bundle], 2),
        ([bundle, "--product", "a", "--listing", "b"], 2),
        ([str(tmp_path / "nothing"), "--product", "a"], 2),
        ([bundle, "--listing", room.ids["listed"], "--out", str(tmp_path / "no" / "where")], 2),
    ):
        assert CliRunner().invoke(app, ["provenance", *arguments]).exit_code == code, arguments
    out = tmp_path / "p.json"
    told = CliRunner().invoke(app, ["provenance", bundle, "--listing", room.ids["listed"], "--out", str(out)])
    assert "0 sources, 0 products made from it, 3 trades; prov in" in told.output
    assert json.loads(out.read_bytes())["prefix"] == {"db": "urn:databourse:"}


async def test_a_history_goes_on_over_a_closed_log_from_the_database_and_from_bundles(
    room: Room, tmp_path: Path
) -> None:
    middle = await made_of_three(room)
    node = room.served.node
    closed = node.publisher.signer.name
    await next_log(node)
    async with room.database.read() as s:
        present = (await reader.tree_head(s)).origin
        found = await lineage_of(s, middle, origin=present, limit=50)
    assert present != closed
    (version,) = found.product.versions
    assert (version.drafted.log, version.drafted.seq is not None) == (closed, True)
    await export_closed(node, tmp_path / "closed", Edition.PUBLIC, closed)
    async with open_node(node.settings, clock=node.clock) as following:
        await export_bundle(following, tmp_path / "present", Edition.PUBLIC)
    bundles = [str(tmp_path / "present"), "--after", str(tmp_path / "closed")]
    told = CliRunner().invoke(app, ["provenance", *bundles, "--product", middle])
    assert told.exit_code == 0, told.output
    assert told.stdout_bytes == prov_json(found)
    alone = CliRunner().invoke(app, ["provenance", bundles[0], "--product", middle])
    assert alone.exit_code == 1
    page = await room.http.get(f"/en/products/{middle}/provenance")
    assert f'title="{closed}"' in page.text
    assert "not sealed yet" not in page.text
