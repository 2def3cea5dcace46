"""A lineage as W3C PROV: a PROV-JSON document (member submission of 24 April 2013, PROV-DM's terms).

Entities are products, files, quality reports and contracts; activities are drafting, measuring, trading and
delivering; agents are organisations. Each thing and each relation names the entry of the ledger that says so
(`db:seq`, `db:envelope`), so that every edge can be proved.
"""

from collections.abc import Mapping
from typing import Any, Final

from base.canonical import canonical
from base.clock import rfc3339
from supervision.provenance.lineage import PRODUCT, Deal, Lineage, Measurement, Product, Said, Version

NAMESPACE: Final = "urn:databourse:"
_PREFIXES: Final = {"db": NAMESPACE}


class _Document:
    """A PROV-JSON document that grows: things by name, relations numbered in their order."""

    def __init__(self) -> None:
        self.content: dict[str, Any] = {"prefix": _PREFIXES}
        self._relations = 0

    def thing(self, kind: str, name: str, **attributes: Any) -> str:
        """An entity, an activity or an agent, once; answers its name."""
        known = {key.replace("__", ":"): value for key, value in attributes.items() if value is not None}
        self.content.setdefault(kind, {}).setdefault(name, {}).update(known)
        return name

    def relation(self, kind: str, said: Said | None = None, **attributes: Any) -> None:
        """A relation; `prov__x` stands for `prov:x`."""
        self._relations += 1
        known = {key.replace("__", ":"): value for key, value in attributes.items() if value is not None}
        self.content.setdefault(kind, {})[f"_:r{self._relations}"] = known | (_proof(said) if said else {})


def prov_json(lineage: Lineage) -> bytes:
    """The document's bytes, canonical JSON: the same lineage gives the same bytes."""
    return canonical(document(lineage)) + b"\n"


def document(lineage: Lineage) -> dict[str, Any]:
    """The document as JSON."""
    made = _Document()
    for product in lineage.products:
        _product(made, lineage, product)
    for digest in lineage.files:
        _source(made, digest)
    for deal in lineage.deals:
        _deal(made, lineage, deal)
    made.thing(
        "entity",
        f"db:{lineage.product.product_id}",
        db__log=lineage.origin,
        db__more=True if lineage.truncated or lineage.next_after else None,
    )
    return made.content


def _product(made: _Document, lineage: Lineage, product: Product) -> None:
    name = made.thing("entity", f"db:{product.product_id}", prov__type=_type("Product"))
    for version in product.versions:
        file = _version(made, lineage, version)
        made.relation(
            "specializationOf", version.drafted, prov__specificEntity=file, prov__generalEntity=name
        )
        for measurement in version.measured:
            _measured(made, lineage, measurement)
    seller = _agent(made, lineage, product.versions[0].seller_id)
    made.relation("wasAttributedTo", product.versions[0].drafted, prov__entity=name, prov__agent=seller)


def _version(made: _Document, lineage: Lineage, version: Version) -> str:
    """The file of a listing, made by drafting it from what it is said to come from."""
    file = made.thing(
        "entity",
        _file(version.file_sha256),
        prov__type=_type("File"),
        db__sha256=version.file_sha256,
        db__bytes=version.file_bytes,
    )
    at = rfc3339(version.drafted.at)
    drafting = made.thing(
        "activity",
        f"db:draft-{version.listing_id}",
        prov__type=_type("Drafting"),
        prov__startTime=at,
        prov__endTime=at,
        db__listing=version.listing_id,
        db__category=version.category,
        db__geo=version.geo,
        db__level=version.level,
        db__listed_at=rfc3339(version.listed.at) if version.listed else None,
        **_proof(version.drafted),
    )
    made.relation(
        "wasGeneratedBy", version.drafted, prov__entity=file, prov__activity=drafting, prov__time=at
    )
    seller = _agent(made, lineage, version.seller_id)
    _associated(made, version.drafted, drafting, seller, "provider")
    if version.broker_id is not None:
        broker = _agent(made, lineage, version.broker_id)
        _associated(made, version.drafted, drafting, broker, "broker")
        made.relation(
            "actedOnBehalfOf",
            version.drafted,
            prov__delegate=broker,
            prov__responsible=seller,
            prov__activity=drafting,
        )
    for source in lineage.parents_of(version):
        used = _source(made, source)
        made.relation("used", version.drafted, prov__activity=drafting, prov__entity=used)
        made.relation(
            "wasDerivedFrom",
            version.drafted,
            prov__generatedEntity=file,
            prov__usedEntity=used,
            prov__activity=drafting,
        )
    return file


def _measured(made: _Document, lineage: Lineage, run: Measurement) -> None:
    at = rfc3339(run.said.at)
    report = made.thing(
        "entity",
        f"db:report-{run.report_sha256}",
        prov__type=_type("QualityReport"),
        db__sha256=run.report_sha256,
        db__score=run.score,
        **{f"db__{name}": value for name, value in run.dimensions.items()},
    )
    measuring = made.thing(
        "activity",
        f"db:measure-{run.report_sha256}",
        prov__type=_type("Measuring"),
        prov__startTime=at,
        prov__endTime=at,
        db__method=run.method,
        **_proof(run.said),
    )
    made.relation("used", run.said, prov__activity=measuring, prov__entity=_file(run.file_sha256))
    made.relation("wasGeneratedBy", run.said, prov__entity=report, prov__activity=measuring, prov__time=at)
    if run.said.actor is not None:
        _associated(made, run.said, measuring, _agent(made, lineage, run.said.actor), "exchange")


def _deal(made: _Document, lineage: Lineage, deal: Deal) -> None:
    """A trade, the contract it made, and the delivery that followed."""
    contract, at = deal.contracted, rfc3339(deal.contracted.at)
    trading = made.thing(
        "activity",
        f"db:{deal.trade_id}",
        prov__type=_type("Trade"),
        prov__startTime=rfc3339(deal.steps[0].at),
        prov__endTime=rfc3339(deal.ended.at),
        db__listing=deal.listing_id,
        db__state=str(deal.ended.says.get("to", "")) or None,
        **_proof(contract),
    )
    made.relation("used", contract, prov__activity=trading, prov__entity=f"db:{deal.product_id}")
    paper = made.thing(
        "entity",
        f"db:contract-{deal.contract_sha256}",
        prov__type=_type("Contract"),
        db__sha256=deal.contract_sha256,
    )
    made.relation("wasGeneratedBy", contract, prov__entity=paper, prov__activity=trading, prov__time=at)
    for org_id, role in ((deal.seller_id, "provider"), (deal.buyer_id, "buyer"), (deal.broker_id, "broker")):
        if org_id is not None:
            _associated(made, contract, trading, _agent(made, lineage, org_id), role)
    if deal.delivered is not None:
        _delivered(made, lineage, deal, deal.delivered, trading)


def _delivered(made: _Document, lineage: Lineage, deal: Deal, said: Said, trading: str) -> None:
    digest, at = str(said.says["file_sha256"]), rfc3339(said.at)
    begun = deal.step("TRD.START_DELIVERY") or said
    source = _file(str(begun.says.get("file_sha256", digest)))  # a marked copy has a digest of its own
    delivering = made.thing(
        "activity",
        f"db:delivery-{deal.trade_id}",
        prov__type=_type("Delivery"),
        prov__startTime=rfc3339(begun.at),
        prov__endTime=at,
        db__mode=said.says.get("mode"),
        db__downloads=len(deal.downloads) or None,
        **_proof(said),
    )
    copy = made.thing(
        "entity", f"db:copy-{deal.trade_id}", prov__type=_type("DeliveredFile"), db__sha256=digest
    )
    buyer = _agent(made, lineage, deal.buyer_id)
    made.relation("wasInformedBy", said, prov__informed=delivering, prov__informant=trading)
    made.relation("used", said, prov__activity=delivering, prov__entity=source)
    made.relation("wasGeneratedBy", said, prov__entity=copy, prov__activity=delivering, prov__time=at)
    made.relation("wasDerivedFrom", said, prov__generatedEntity=copy, prov__usedEntity=source)
    made.relation("wasAttributedTo", said, prov__entity=copy, prov__agent=buyer)
    _associated(made, said, delivering, buyer, "buyer")


def _associated(made: _Document, said: Said, activity: str, agent: str, role: str) -> None:
    made.relation("wasAssociatedWith", said, prov__activity=activity, prov__agent=agent, prov__role=f"{role}")


def _agent(made: _Document, lineage: Lineage, org_id: str) -> str:
    kind = {"$": "prov:Organization", "type": "prov:QUALIFIED_NAME"}
    return made.thing("agent", f"db:{org_id}", prov__type=kind, prov__label=lineage.name_of(org_id))


def _source(made: _Document, source: str) -> str:
    """What something was made from: a product of the exchange, or a file from elsewhere."""
    if source.startswith(PRODUCT):
        return made.thing("entity", f"db:{source}", prov__type=_type("Product"))
    return made.thing("entity", _file(source), prov__type=_type("File"), db__sha256=source)


def _file(digest: str) -> str:
    return f"db:file-{digest}"


def _type(name: str) -> Mapping[str, str]:
    return {"$": f"db:{name}", "type": "prov:QUALIFIED_NAME"}


def _proof(said: Said) -> dict[str, Any]:
    """The entry that says so; one that waits to be sealed has no number yet."""
    seq = {} if said.seq is None else {"db:seq": said.seq}
    log = {} if said.log is None else {"db:log": said.log}
    return seq | log | {"db:envelope": said.envelope_sha256}
