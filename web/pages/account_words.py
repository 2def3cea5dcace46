"""Words of what is done about people's accounts, the log's own keys and backups."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

EVENTS: Final[Mapping[str, str]] = {
    "PPL.ENROL": N_("Person enrolled"),
    "PPL.IDENTIFY": N_("Person identified"),
    "PPL.CLOSE": N_("Login closed"),
    "PPL.RESET_FACTOR": N_("Second factor reset"),
    "PPL.DECIDE": N_("Objection about a login decided"),
    "LOG.ROTATE": N_("Key of the log brought"),
    "LOG.RETIRE": N_("Key of the log ended"),
    "LOG.CLOSE": N_("Log closed for good"),
    "BAK.TAKE": N_("Backup taken"),
    "BAK.RESTORE": N_("Backup put back"),
    "MST.ROTATE": N_("Master key turned over"),
}
