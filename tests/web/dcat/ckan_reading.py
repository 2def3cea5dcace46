"""A foreign harvester: ckanext-dcat's own parser, in an interpreter that has CKAN (AGPL, never in ours).

PYTHON tests/web/dcat/ckan_reading.py ADDRESS   prints what it read, page by page, as JSON.
"""

import json
import sys
from urllib.request import urlopen

from ckanext.dcat.processors import RDFParser


def read(address: str) -> list[dict]:
    """Every data set of a catalogue, as CKAN would keep it."""
    found, following = [], address
    while following:
        parser = RDFParser(profiles=["euro_dcat_ap_3"])
        with urlopen(following) as answer:
            parser.parse(answer.read().decode(), _format="turtle")
        found += list(parser.datasets())
        following = parser.next_page()
    return [
        {
            "title": one["title"],
            "extras": {extra["key"]: extra["value"] for extra in one["extras"]},
            "resources": [
                {name: had.get(name) for name in ("download_url", "hash", "size")} for had in one["resources"]
            ],
        }
        for one in found
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(read(sys.argv[1])))
