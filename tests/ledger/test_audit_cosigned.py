"""An audit that asks for a quorum of witnesses, by the policy file that `databourse receipt` takes."""

import json
from pathlib import Path

import jsonschema
import pytest

from ledger.bundle import CHECKPOINT
from ledger.checkpoint import Note, NoteSigner, VerifierKey
from ledger.witness_policy import Policy
from supervision.audit import audit
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, copied, key, resign, story
from tests.ledger.test_audit_command import SCHEMA, command

WITNESSES = [NoteSigner(f"{name}.example", key(f"witness {name}")) for name in ("a", "b")]
SILENT = NoteSigner("c.example", key("witness c"))


def line(witness: NoteSigner) -> str:
    return f"witness {witness.name[0]} {VerifierKey(witness.name, witness.key.public, 4)}\n"


NAMED = "".join(map(line, (*WITNESSES, SILENT)))
TWO = f"{NAMED}group two 2 a b c\nquorum two\n"
ALL = f"{NAMED}group every all a b c\nquorum every\n"
NONE = f"{NAMED}quorum none\n"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = story(1)
    log.kept, log.witnesses = [5], WITNESSES
    return log.write(tmp_path_factory.mktemp("cosigned") / "bundle")


@pytest.mark.parametrize(
    ("policy", "problems", "quorum"),
    [
        (TWO, [], {"name": "two", "met": True, "cosigned_by": ["a", "b"]}),
        (ALL, [("COSIG", None)], {"name": "every", "met": False, "cosigned_by": ["a", "b"]}),
        (NONE, [], {"name": "none", "met": True, "cosigned_by": ["a", "b"]}),
    ],
)
@pytest.mark.parametrize("signatures", [True, False])
def test_the_last_checkpoint_is_held_against_the_quorum(
    bundle: Path, policy: str, problems: list[object], quorum: dict[str, object], *, signatures: bool
) -> None:
    report = audit(bundle, [VKEY], policy=Policy.parse(policy.encode()), signatures=signatures)
    assert found(report) == problems
    assert report.document()["quorum"] == quorum
    assert report.cosignatures == 4


def test_without_a_policy_nobody_says_anything_of_a_quorum(bundle: Path) -> None:
    report = audit(bundle, [VKEY])
    assert (report.clean, report.quorum, report.document()["quorum"]) == (True, None, None)


def test_tiles_as_a_node_publishes_them_have_a_quorum_too(bundle: Path, tmp_path: Path) -> None:
    tiles = copied(bundle, tmp_path / "tiles")
    for name in ("manifest.json", "manifest.note", "keys.json", "checkpoints/5"):
        (tiles / name).unlink()
    for opening in (tiles / "openings").iterdir():
        opening.unlink()
    assert audit(tiles, [VKEY], policy=Policy.parse(TWO.encode())).clean
    assert found(audit(tiles, [VKEY], policy=Policy.parse(ALL.encode()))) == [("COSIG", None)]


def test_who_cosigned_an_earlier_checkpoint_is_not_asked_for_the_last_one(tmp_path: Path) -> None:
    log = story(1)
    log.kept, log.witnesses = [5], WITNESSES
    entries = log.entries()
    log.witnesses, all_of_them = WITNESSES[:1], log.witnesses
    head = log.checkpoint(entries)
    log.witnesses = all_of_them
    report = audit(log.write(tmp_path / "b", checkpoint=head), [VKEY], policy=Policy.parse(TWO.encode()))
    assert found(report) == [("COSIG", None)]
    assert report.quorum is not None
    assert report.quorum.cosigned_by == ("a",)


def test_cosignatures_of_another_checkpoint_are_none_of_this_one(bundle: Path, tmp_path: Path) -> None:
    """The lines of the kept checkpoint under the head: they do not hold, and are no quorum."""
    changed = copied(bundle, tmp_path / "b")
    head = Note.parse((changed / CHECKPOINT).read_bytes())
    other = Note.parse((changed / "checkpoints/5").read_bytes())
    own = [one for one in head.signatures if one.name == VKEY.name]
    theirs = [one for one in other.signatures if one.name != VKEY.name]
    (changed / CHECKPOINT).write_bytes(bytes(Note(head.text, (*own, *theirs))))
    resign(changed)
    report = audit(changed, [VKEY], policy=Policy.parse(TWO.encode()))
    assert {code for code, _ in found(report)} == {"COSIG"}
    assert report.quorum is not None
    assert (report.quorum.met, report.quorum.cosigned_by) == (False, ())


def test_a_quorum_that_was_met_is_asked_again_of_the_next_head(bundle: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert audit(bundle, [VKEY], policy=Policy.parse(TWO.encode()), state=state).clean
    report = audit(bundle, [VKEY], policy=Policy.parse(ALL.encode()), state=state)
    assert found(report) == [("COSIG", None)]


def test_the_command_takes_a_policy_and_says_what_came_of_it(bundle: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_text(f"log {VKEY}\n{TWO}")
    met = command(bundle, "--policy", policy)  # its log is pinned by the policy
    assert met.exit_code == 0
    assert "CLEAN" in met.output.splitlines()
    assert "quorum two is met: the last checkpoint is cosigned by a, b" in met.output.splitlines()
    document = json.loads(command(bundle, "--policy", policy, "--json").stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    policy.write_text(ALL)
    unmet = command(bundle, "--vkey", VKEY, "--policy", policy)
    assert unmet.exit_code == 1
    why = "too few witnesses of the policy have cosigned the last checkpoint: its quorum is every"
    assert f"NOT CLEAN: COSIG checkpoint: {why}" in unmet.output
    assert "is met" not in unmet.output


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (NAMED, "a policy names its quorum"),
        ("quorum nobody\n", "the quorum is not defined"),
        (f"log {NoteSigner('town.example/log', key('town')).vkey}\n{TWO}", "other logs than this one"),
    ],
)
def test_what_is_no_policy_for_this_log_is_refused(
    bundle: Path, tmp_path: Path, policy: str, said: str
) -> None:
    (tmp_path / "policy").write_text(policy)
    result = command(bundle, "--vkey", VKEY, "--policy", tmp_path / "policy")
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_a_key_of_the_policy_that_the_log_does_not_have_is_no_pin_to_pass_over(
    bundle: Path, tmp_path: Path
) -> None:
    other = NoteSigner(VKEY.name, key("another"))
    (tmp_path / "policy").write_text(f"log {other.vkey}\n{TWO}")
    result = command(bundle, "--policy", tmp_path / "policy")
    assert result.exit_code == 1
    assert "NOT CLEAN" in result.output
