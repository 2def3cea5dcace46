"""A lineage as OpenLineage run events (spec 2-0-2): drafting, measuring and trading as runs over datasets.

A dataset is a product, its version the SHA-256 of the file; what a buyer received is a dataset of the
buyer's. Every event carries the entry of the ledger that says so, in a run facet of ours.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from base.canonical import canonical
from base.clock import rfc3339
from supervision.provenance.lineage import PRODUCT, Deal, Lineage, Measurement, Said, Version

PRODUCER: Final = "urn:databourse:provenance:v1"
_SPEC: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_VERSION: Final = (
    "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json"
    "#/$defs/DatasetVersionDatasetFacet"
)
_OWNERSHIP: Final = (
    "https://openlineage.io/spec/facets/1-0-1/OwnershipDatasetFacet.json#/$defs/OwnershipDatasetFacet"
)
_JOB_TYPE: Final = "https://openlineage.io/spec/facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"
_ENTRY: Final = "urn:databourse:facet:entry:v1"
_QUALITY: Final = "urn:databourse:facet:quality:v1"
Event = Mapping[str, Any]


def open_lineage(lineage: Lineage) -> bytes:
    """A JSON array of run events, canonical: the same lineage gives the same bytes."""
    return canonical(list(events(lineage))) + b"\n"


def events(lineage: Lineage) -> Sequence[Event]:
    """The run events in the order of their times."""
    found: list[Event] = []
    for product in lineage.products:
        for version in product.versions:
            found += _drafted(lineage, version)
            for run in version.measured:
                found += _measured(lineage, version, run)
    for deal in lineage.deals:
        found += _traded(lineage, deal)
    return sorted(found, key=lambda event: event["eventTime"])


def _drafted(lineage: Lineage, version: Version) -> Iterator[Event]:
    job = _job(lineage, version.product_id, "draft")
    said = version.drafted
    sources = [_source(lineage, source) for source in lineage.parents_of(version)]
    made = [_dataset(lineage, version.product_id, version.file_sha256, version.seller_id)]
    for kind in ("START", "COMPLETE"):
        yield _event(kind, said.at, job, version.listing_id, [said], inputs=sources, outputs=made)


def _measured(lineage: Lineage, version: Version, run: Measurement) -> Iterator[Event]:
    job = _job(lineage, version.product_id, "measure")
    quality = {
        "databourse_quality": {
            "_producer": PRODUCER,
            "_schemaURL": _QUALITY,
            "method": run.method,
            "score": run.score,
            "dimensions": dict(run.dimensions),
            "reportSha256": run.report_sha256,
        }
    }
    inputs = [_dataset(lineage, version.product_id, run.file_sha256, version.seller_id)]
    for kind in ("START", "COMPLETE"):
        yield _event(kind, run.said.at, job, run.report_sha256, [run.said], inputs=inputs, facets=quality)


def _traded(lineage: Lineage, deal: Deal) -> Iterator[Event]:
    """From the inquiry to the delivery; a contract that came to nothing before that is an aborted run."""
    job = _job(lineage, deal.product_id, "trade")
    digest = _file_of(lineage, deal)
    inputs = [_dataset(lineage, deal.product_id, digest, deal.seller_id)]
    begun, aborted = deal.steps[0], deal.step("TRD.FUND_TIMEOUT", "TRD.DELIVERY_FAIL", "TRD.VOID")
    yield _event("START", begun.at, job, deal.trade_id, [begun], inputs=inputs)
    if aborted is not None and deal.delivered is None:
        yield _event("ABORT", aborted.at, job, deal.trade_id, [deal.contracted, aborted], inputs=inputs)
    elif deal.delivered is not None:
        received = dict(inputs[0]) | {"namespace": f"{_namespace(lineage)}/{deal.buyer_id}"}
        received["facets"] = _facets(str(deal.delivered.says["file_sha256"]), deal.buyer_id)
        proofs = [deal.contracted, *deal.downloads, deal.delivered]
        yield _event(
            "COMPLETE", deal.delivered.at, job, deal.trade_id, proofs, inputs=inputs, outputs=[received]
        )
    else:
        yield _event("OTHER", deal.contracted.at, job, deal.trade_id, [deal.contracted], inputs=inputs)


def _event(
    kind: str,
    at: datetime,
    job: Mapping[str, Any],
    run: str,
    proofs: Sequence[Said],
    *,
    inputs: Sequence[Mapping[str, Any]] = (),
    outputs: Sequence[Mapping[str, Any]] = (),
    facets: Mapping[str, Any] | None = None,
) -> Event:
    entries = [
        {
            "event": said.event,
            "object": said.object_id,
            "seq": said.seq,
            "envelopeSha256": said.envelope_sha256,
        }
        | ({} if said.log is None else {"log": said.log})
        for said in proofs
    ]
    entry = {"_producer": PRODUCER, "_schemaURL": _ENTRY, "entries": entries}
    run_id = uuid5(NAMESPACE_URL, f"{job['namespace']}/{job['name']}/{run}")
    return {
        "eventType": kind,
        "eventTime": rfc3339(at),
        "producer": PRODUCER,
        "schemaURL": _SPEC,
        "run": {"runId": str(run_id), "facets": {"databourse_entry": entry} | dict(facets or {})},
        "job": job,
        "inputs": list(inputs),
        "outputs": list(outputs),
    }


def _job(lineage: Lineage, product_id: str, name: str) -> dict[str, Any]:
    kind = {
        "_producer": PRODUCER,
        "_schemaURL": _JOB_TYPE,
        "processingType": "BATCH",
        "integration": "DATABOURSE",
        "jobType": name.upper(),
    }
    return {"namespace": _namespace(lineage), "name": f"{product_id}.{name}", "facets": {"jobType": kind}}


def _source(lineage: Lineage, source: str) -> dict[str, Any]:
    """What something was made from: a product, or a file from elsewhere by its digest."""
    if not source.startswith(PRODUCT):
        return {
            "namespace": _namespace(lineage),
            "name": f"file/{source}",
            "facets": _facets(source, None),
        }
    known = [product for product in lineage.products if product.product_id == source]
    if not known:
        return {"namespace": _namespace(lineage), "name": source, "facets": {}}
    newest = known[0].versions[-1]
    return _dataset(lineage, source, newest.file_sha256, newest.seller_id)


def _dataset(lineage: Lineage, product_id: str, digest: str, owner: str) -> dict[str, Any]:
    return {
        "namespace": _namespace(lineage),
        "name": product_id,
        "facets": _facets(digest, owner),
    }


def _facets(digest: str, owner: str | None) -> dict[str, Any]:
    version = {"_producer": PRODUCER, "_schemaURL": _VERSION, "datasetVersion": digest}
    if owner is None:
        return {"version": version}
    owners = [{"name": f"urn:databourse:{owner}", "type": "OWNER"}]
    return {
        "version": version,
        "ownership": {"_producer": PRODUCER, "_schemaURL": _OWNERSHIP, "owners": owners},
    }


def _file_of(lineage: Lineage, deal: Deal) -> str:
    """The file of the listing that was traded."""
    versions = {version.listing_id: version for version in lineage.product.versions}
    if deal.listing_id in versions:
        return versions[deal.listing_id].file_sha256
    return lineage.product.versions[-1].file_sha256


def _namespace(lineage: Lineage) -> str:
    return f"databourse://{lineage.origin}"
