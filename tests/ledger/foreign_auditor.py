"""An auditor written from the published formats alone (docs/ledger.md): hashlib, json, base64, Ed25519.

It knows nothing of the exchange's code, and shares none. `python foreign_auditor.py BUNDLE VKEY` says
`ok SIZE ROOT`, or what is wrong. A bundle here is a folder.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Wrong(Exception):
    """What this auditor does not accept."""


def demand(holds, why):
    if not holds:
        raise Wrong(why)


def sha256(data):
    return hashlib.sha256(data).digest()


def verify(public, message, signature, what):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        raise Wrong(f"{what}: a signature does not hold") from None


def unique(pairs):
    demand(len({name for name, _ in pairs}) == len(pairs), "a JSON key comes twice")
    return dict(pairs)


def jcs(data, what):
    """Parse JSON that must be in RFC 8785 form (ASCII keys, whole numbers, so sorting is enough)."""
    document = json.loads(data, object_pairs_hook=unique)
    again = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    demand(again.encode() == data, f"{what} is not canonical JSON")
    return document


# --- C2SP signed-note and tlog-checkpoint


def parse_vkey(vkey):
    name, key_id, encoded = vkey.split("+", 2)
    material = base64.b64decode(encoded)
    demand(material[0] == 1, "not an Ed25519 vkey")
    demand(sha256(name.encode() + b"\n" + material)[:4].hex() == key_id, "the vkey's hash is wrong")
    return name, bytes.fromhex(key_id), material[1:]


def open_note(data, vkey, what):
    """The text of a note that the log's key signs."""
    name, key_id, public = parse_vkey(vkey)
    text, _, tail = data.decode().rpartition("\n\n")
    text += "\n"
    for line in tail.splitlines():
        dash, signer, encoded = line.split(" ")
        blob = base64.b64decode(encoded)
        if (dash, signer, blob[:4]) == ("\u2014", name, key_id):
            verify(public, text.encode(), blob[4:], what)
            return text
    raise Wrong(f"{what} is not signed by {name}")


def open_checkpoint(data, vkey, what):
    origin, size, root = open_note(data, vkey, what).splitlines()[:3]
    demand(origin == vkey.split("+")[0], f"{what} is of another log")
    return int(size), base64.b64decode(root)


# --- C2SP tlog-tiles and RFC 6962


def tile_path(level, index, width):
    text = f"{index:03}" if index < 1000 else f"x{index // 1000:03}/{index % 1000:03}"
    return f"tile/{level}/{text}" + ("" if width == 256 else f".p/{width}")


def tree_root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    if not leaves:
        return sha256(b"")
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + tree_root(leaves[:split]) + tree_root(leaves[split:]))


def read_entries(bundle, size):
    entries = []
    for index in range((size + 255) // 256):
        width = min(256, size - 256 * index)
        tile = (bundle / tile_path("entries", index, width)).read_bytes()
        at = 0
        for _ in range(width):
            length = int.from_bytes(tile[at : at + 2], "big")
            entries.append(tile[at + 2 : at + 2 + length])
            at += 2 + length
        demand(at == len(tile), f"entry tile {index} is not {width} entries")
    return entries


def check_tiles(bundle, leaves):
    level, row = 0, leaves  # each hash tile is the roots of the complete subtrees below it
    while row:
        for index in range((len(row) + 255) // 256):
            part = row[256 * index : 256 * index + 256]
            found = (bundle / tile_path(level, index, len(part))).read_bytes()
            demand(found == b"".join(part), f"tile {level}/{index} is not of the entries")
        row = [tree_root(row[at : at + 256]) for at in range(0, len(row) - 255, 256)]
        level += 1


# --- sealed entries, DSSE, in-toto, keys


def check_entries(entries, origin):
    keys, previous = {}, "00" * 32
    for seq, raw in enumerate(entries):
        entry = jcs(raw, f"entry {seq}")
        place = (entry["v"], entry["seq"], entry["prev"], entry["node"])
        demand(place == (1, seq, previous, origin), f"entry {seq} does not follow")
        demand(len(raw) <= 8192, f"entry {seq} is too long")
        previous = sha256(b"\x00" + raw).hex()
        check_envelope(entry["envelope"], seq, keys)


def check_envelope(envelope, seq, keys):
    kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    statement = jcs(payload, f"statement {seq}")
    kinds = (kind, statement["_type"])
    demand(kinds == (b"application/vnd.in-toto+json", "https://in-toto.io/Statement/v1"), f"kind of {seq}")
    said = statement["predicate"]
    new = {"LOG.GENESIS": said.get("exchange_key"), "KEY.REGISTER": said}.get(said["event"])
    if new:
        public = base64.b64decode(new["public_key"])
        demand(sha256(public).hex() == new["keyid"], f"entry {seq}: the keyid is not the key's")
        org = said.get("org_id") or said["operator_id"]
        keys[new["keyid"]] = (public, org, said.get("roles", ["EXCHANGE_OPERATOR"]))
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    for signature in envelope["signatures"]:
        demand(signature["keyid"] in keys, f"entry {seq}: unknown or revoked key")
        public, org, roles = keys[signature["keyid"]]
        verify(public, message, base64.b64decode(signature["sig"]), f"entry {seq}")
        if "actor" not in said:
            demand(org in said["parties"], f"entry {seq}: {org} is no party")
        elif said["event"] not in {"KEY.REGISTER", "KEY.REVOKE"}:
            demand(org == said["actor"] and said["role"] in roles, f"entry {seq}: {org} may not say it")
    if said["event"] == "KEY.REVOKE":
        del keys[said["keyid"]]


def check_files(bundle, vkey, size):
    text = open_note((bundle / "manifest.note").read_bytes(), vkey, "manifest.note").splitlines()
    manifest = (bundle / "manifest.json").read_bytes()
    demand(text[0] == vkey.split("+")[0] + "/manifest", "a manifest of another log")
    demand(text[2:] == [str(size), sha256(manifest).hex()], "another manifest than was signed")
    there = {p.relative_to(bundle).as_posix() for p in bundle.rglob("*") if p.is_file()}
    files = jcs(manifest, "manifest.json")["files"]
    demand(there - {"manifest.json", "manifest.note"} == set(files), "other files than the manifest's")
    for path, digest in files.items():
        demand(sha256((bundle / path).read_bytes()).hex() == digest, f"{path} was changed")


def audit(bundle, vkey):
    """Raise Wrong, or return (size, root as hex)."""
    size, root = open_checkpoint((bundle / "checkpoint").read_bytes(), vkey, "checkpoint")
    check_files(bundle, vkey, size)
    entries = read_entries(bundle, size)
    leaves = [sha256(b"\x00" + raw) for raw in entries]
    demand(tree_root(leaves) == root, "the entries do not give the root")
    for kept in (bundle / "checkpoints").glob("*"):
        older, old_root = open_checkpoint(kept.read_bytes(), vkey, kept.name)
        demand(tree_root(leaves[:older]) == old_root, f"checkpoint {older} is not of this log")
    check_tiles(bundle, leaves)
    check_entries(entries, vkey.split("+")[0])
    for path in (bundle / "openings").rglob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            document = jcs(line, path.name)
            said = json.loads(base64.b64decode(json.loads(entries[document["seq"]])["envelope"]["payload"]))
            digest = sha256(document["opening"].encode()).hex()
            demand(said["predicate"]["opening"] == {"sha256": digest}, f"opening {document['seq']}")
    return size, root.hex()


if __name__ == "__main__":
    try:
        print("ok", *audit(Path(sys.argv[1]), sys.argv[2]))  # noqa: T201 - a program
    except (Wrong, OSError, ValueError, KeyError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
