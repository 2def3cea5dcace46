"""What is told of members and goods beside their register: accounts, marks of copies, texts about others.

Accounts are told in digests: salted with the nonce of the log's first opening, which the exchange made and a
public bundle does not have, so that a finding that shows one tells nobody the number.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from base.canonical import sha256_hex
from supervision.evidence.facts import Fact

TableRow = tuple[str, Mapping[str, Any]]
FILE: Final = "file:"
"""Under which a file's marking and its listings are laid aside together."""
SKETCH: Final = "sketch:"
"""Under which a listing's measurements are."""
BANK_ACCOUNT: Final = "bank_account"
NAME_FROM: Final = 4
"""A shorter name may be any word of a text."""
_TAG: Final = "databourse/identifier/v1"


class Told:
    """Names of members and what was told of each once are kept; texts wait for their listing."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._salt: str | None = None
        self._known: set[tuple[str, str]] = set()
        self._names: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self._waiting: dict[str, list[dict[str, Any]]] = {}

    def take(self, fact: Fact) -> Iterator[TableRow]:
        """Learn from a fact; what it makes at once is given."""
        said, opened = fact.said, fact.opened
        if self._salt is None and "nonce" in opened:
            self._salt = str(opened["nonce"])
        if fact.event == "ORG.ADMIT":
            self._admitted(said)
        elif fact.event == "PAY.ACCOUNT":
            yield from self._account(fact, said.get("org_id"), opened.get("account"))
        elif fact.event == "TRD.FUND":
            yield from self._account(fact, said.get("buyer_id"), opened.get("payer_account"))
        elif fact.event == "DLV.MARK":
            product_id = self._files.get(str(said.get("source_sha256")))
            row = {"mark_sha256": said.get("commitment"), "product_id": product_id}
            yield "watermarks", row | {"issued_at": fact.at, "seq": fact.seq}
        else:
            yield from self._public(fact)

    def _admitted(self, said: Mapping[str, Any]) -> None:
        name = str(said.get("name") or "").strip()
        if len(name) >= NAME_FROM:
            self._names[name[:NAME_FROM]].append((name, said["org_id"]))

    def _public(self, fact: Fact) -> Iterator[TableRow]:
        """A listing's text is public from the moment it is listed, a request's at once."""
        said, texts = fact.said, list[dict[str, Any]]()
        if fact.event == "REQ.PUBLISH":
            texts = self._texts(fact, said.get("buyer_id"))
        elif fact.event == "LST.DRAFT":
            self._waiting[said["listing_id"]] = self._texts(fact, said.get("seller_id"))
        elif fact.event == "LST.LIST":
            texts = self._waiting.pop(said["listing_id"], [])
        for row in texts:
            yield "texts", row | {"written_at": fact.at}

    def _account(self, fact: Fact, org_id: str | None, account: Any) -> Iterator[TableRow]:
        number = "".join(str(account or "").split()).upper()
        if org_id is None or not number or (org_id, number) in self._known:
            return
        self._known.add((org_id, number))
        value = sha256_hex("\n".join((_TAG, self._salt or "", BANK_ACCOUNT, number)).encode())
        yield "identifiers", {"org_id": org_id, "kind": BANK_ACCOUNT, "value_sha256": value, "seq": fact.seq}

    def _texts(self, fact: Fact, author_id: str | None) -> list[dict[str, Any]]:
        """A text that anybody will read, once for each other member whose name is in it."""
        words = [fact.opened.get(name) for name in ("title", "description", "scenario")]
        text = "\n".join(str(word) for word in words if word)
        places = range(len(text) - NAME_FROM + 1)
        named = {
            org_id
            for at in places
            for name, org_id in self._names.get(text[at : at + NAME_FROM], ())
            if text.startswith(name, at) and org_id != author_id
        }
        return [
            {
                "text_id": f"{fact.object_id}:{fact.seq}:{about}",
                "author_id": author_id,
                "about_id": about,
                "text": text,
                "seq": fact.seq,
            }
            for about in sorted(named)
        ]


def hits_of(facts: Iterable[Fact]) -> Iterator[TableRow]:
    """The listings that offer, byte by byte, a copy that was marked for one buyer."""
    marks: list[str] = []
    for fact in facts:
        if fact.event == "DLV.MARK":
            marks.append(fact.said["commitment"])
        elif fact.event == "LST.DRAFT":
            for mark in marks:
                row = {"mark_sha256": mark, "listing_id": fact.said["listing_id"]}
                yield "mark_hits", row | {"found_at": fact.at, "seq": fact.seq}


def sketch_of(facts: Iterable[Fact]) -> Iterator[TableRow]:
    """What a listing's file looks like, as it was measured last; none of a small one."""
    *_, last = facts
    if last.opened.get("minhash"):
        row = {"listing_id": last.said["listing_id"], "minhash": last.opened["minhash"]}
        yield "sketches", row | {"seq": last.seq}
