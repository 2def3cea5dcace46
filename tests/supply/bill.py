"""The bill of materials (SBOM) as CycloneDX 1.6 JSON, from the lock: the same bytes for the same lock."""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any, Final

from tests.supply.licences import licence_of
from tests.supply.locks import Locked

_SPACE: Final = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # of URLs, RFC 9562
_ROOT: Final = "databourse"


def bill(locked: Sequence[Locked], *, version: str) -> dict[str, Any]:
    """What an exchange is made of: each package with its digests and licence, and who asks for it.

    Licences are of the installed packages; one that is not installed here (another system's) has none.
    """
    said = "\n".join(f"{one.purl} {one.marker} {' '.join(one.hashes)}" for one in locked)
    serial = uuid.uuid5(_SPACE, f"databourse/{version}/{hashlib.sha256(said.encode()).hexdigest()}")
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": _ROOT,
                "name": _ROOT,
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [_component(one) for one in locked],
        "dependencies": _dependencies(locked),
    }


def _component(one: Locked) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": _ref(one),
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in one.hashes],
    }
    if licence := licence_of(one.name):
        found["licenses"] = [{"expression": licence}]
    if one.marker:
        found["properties"] = [{"name": "databourse:marker", "value": one.marker}]
    return found


def _dependencies(locked: Sequence[Locked]) -> list[dict[str, Any]]:
    wants: dict[str, list[str]] = {_ref(one): [] for one in locked}
    refs: dict[str, list[str]] = {}
    for one in locked:
        refs.setdefault(one.name, []).append(_ref(one))
    root = []
    for one in locked:
        askers = [ref for who in one.wanted_by for ref in refs.get(who.partition("[")[0], ())]
        for asker in askers:
            wants[asker].append(_ref(one))
        if not askers:
            root.append(_ref(one))
    told = [{"ref": ref, "dependsOn": sorted(set(on))} for ref, on in sorted(wants.items())]
    return [{"ref": _ROOT, "dependsOn": sorted(root)}, *told]


def _ref(one: Locked) -> str:
    """A lock may have one version for one Python and another for the next."""
    return one.purl
