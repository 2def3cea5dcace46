"""What tests of the auditor share."""

from ledger.checkpoint import NoteSigner
from supervision.audit_report import Report
from tests.ledger.make_bundle import ORIGIN, Log, genesis, key, story

FORGER = NoteSigner(ORIGIN, key("forger"))


def long_story() -> Log:
    """A log of three entry tiles, with kept checkpoints and a witness."""
    log = story(60)
    log.kept = [5, 256, 300, 512]
    log.witnesses = [NoteSigner("witness.example", key("witness"))]
    return log


def found(report: Report) -> list[tuple[str, int | None]]:
    return [(str(problem.code), problem.seq) for problem in report.problems]


def first(report: Report) -> tuple[str, int | str | None]:
    assert report.first is not None
    assert not report.clean
    return str(report.first.code), report.first.path if report.first.seq is None else report.first.seq


def spoken(*, actor: str | None, role: str | None, signer, event: str = "TST.SAY", **facts) -> Log:
    """The genesis and one more statement, entry 9."""
    log = Log()
    genesis(log)
    log.say(event, "obj", signer, actor=actor, role=role, **facts)
    return log
