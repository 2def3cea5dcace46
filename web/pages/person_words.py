"""The words of data subjects: consents, requests, duties to delete."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

EVENTS: Final[Mapping[str, str]] = {
    "SBT.INVITE": N_("Person invited"),
    "SBT.TIE": N_("Invitation answered"),
    "SBT.RECALL": N_("Invitation taken back"),
    "SBT.LAPSE": N_("Invitation lapsed"),
    "SCW.PUBLISH": N_("Wording of a consent published"),
    "SCW.REPLACE": N_("Wording replaced by its next version"),
    "SCW.RETIRE": N_("Wording retired"),
    "SGC.GIVE": N_("A person has consented"),
    "SGC.SHOW": N_("Shown by a Merkle path"),
    "SGC.WITHDRAW": N_("A person has withdrawn consent"),
    "SGC.OVERDUE": N_("No version without the person in time"),
    "SGC.SETTLE": N_("A record without the person was shown"),
    "SGC.EXPIRE": N_("A person's consent has ended"),
    "SDD.TELL": N_("A receiver was told to delete"),
    "SDD.OVERDUE": N_("Deletion not confirmed in time"),
    "SDD.CONFIRM": N_("Deletion confirmed"),
    "SRQ.SUBMIT": N_("A person has asked a holder"),
    "SRQ.ANSWER": N_("A person's request answered"),
    "SRQ.REFUSE": N_("A person's request refused"),
    "SRQ.ESCALATE": N_("A person's request not answered in time"),
    "SRQ.FINISH": N_("A person's request carried out"),
    "SRQ.COMPLAIN": N_("A person has complained to the authority"),
}
_STATES: Final[Mapping[str, str]] = {
    "INVITED": N_("Invited"),
    "TIED": N_("Answered the invitation"),
    "LAPSED": N_("Lapsed"),
    "IN_FORCE": N_("In force"),
    "RETIRED": N_("Retired"),
    "GIVEN": N_("Consent stands"),
    "WITHDRAWN": N_("Withdrawn"),
    "SETTLED": N_("Withdrawn, and out of the record"),
    "ENDED": N_("Ended"),
    "TOLD": N_("To be deleted"),
    "OVERDUE": N_("Overdue"),
    "CONFIRMED": N_("Deletion confirmed"),
    "SUBMITTED": N_("Waits for an answer"),
    "ESCALATED": N_("Late: you may complain"),
    "ANSWERED": N_("Answered"),
    "REFUSED": N_("Refused"),
    "DONE": N_("Done"),
}
_KINDS: Final[Mapping[str, str]] = {
    "PROCESS": N_("To process your data"),
    "PROVIDE": N_("To provide your data to others"),
    "PUBLISH": N_("To make your data public"),
    "SENSITIVE": N_("To process sensitive data of yours"),
    "EXPORT": N_("To send your data abroad"),
}
_ASKED: Final[Mapping[str, str]] = {
    "ACCESS": N_("See what you have of me"),
    "COPY": N_("Give me a copy"),
    "CORRECT": N_("Correct or complete it"),
    "DELETE": N_("Delete it"),
    "PORT": N_("Transfer it to another handler"),
    "EXPLAIN": N_("Explain your rules"),
    "RESTRICT": N_("Restrict or stop the processing"),
}
_REASONS: Final[Mapping[str, str]] = {
    "SECRET_BY_LAW": N_("The law keeps it secret"),
    "RETENTION_BY_LAW": N_("The law wants it kept still"),
    "TECHNICALLY_IMPOSSIBLE": N_("Not possible technically: stored and protected only"),
    "NOT_HELD": N_("We hold nothing of it"),
    "NOT_THE_PERSON": N_("It is not certain that it is you"),
    "CONDITIONS_NOT_MET": N_("The conditions of the law are not met"),
}
_TOLD: Final[Mapping[str, str]] = {
    "handler": N_("Who handles the data"),
    "contact": N_("How to reach the handler"),
    "purpose": N_("For what"),
    "method": N_("How"),
    "categories": N_("Which data"),
    "retention": N_("How long it is kept"),
    "rights": N_("How you use your rights"),
    "recipient": N_("Receiver"),
    "recipient_contact": N_("How to reach the receiver"),
    "public_place": N_("Where it is made public"),
    "necessity": N_("Why it is necessary"),
    "impact": N_("What it means for you"),
    "rights_abroad": N_("How you use your rights abroad"),
}
_BEARERS: Final[Mapping[str, str]] = {
    "SUBJECT": N_("Data subject"),
    "CONTROLLER": N_("Data controller"),
    "USER": N_("Data user"),
    "ENTRUSTING": N_("Entrusting party"),
    "ENTRUSTED": N_("Entrusted party"),
}
_VERDICTS: Final[Mapping[str, str]] = {
    "RIGHT": N_("A right"),
    "MET": N_("On record"),
    "OPEN": N_("Under way"),
    "LATE": N_("Late"),
    "MISSING": N_("Nothing on record"),
    "NOT_YET": N_("Not due yet"),
}
GROUPS: Final = {
    "bearer": _BEARERS,
    "contract_duty_verdict": _VERDICTS,
    "person_state": _STATES,
    "consent_kind": _KINDS,
    "asked_kind": _ASKED,
    "asked_refusal": _REASONS,
    "consent_told": _TOLD,
}
