"""Who acts for a broker: one of the practitioners named under its certificate (`rules.md` §2.2.2, §2.2.3).

The certificate rests on their number, and the credential names them; so an act of the broker is signed by a
login of somebody on record who bears one of these names. A certificate that was entered without an
application names nobody, and is bounded by its scope alone.
"""

from base.db import WriteSession
from brokers.credential.repository import practitioners_of
from brokers.errors import PractitionerNeeded
from identity.service import require_identified
from ledger.erasure import ERASED
from ledger.recording import Act


async def require_practitioner(s: WriteSession, act: Act, *, cert_id: str) -> None:
    """That a broker's act is one of a named practitioner's. Raises PractitionerNeeded, PersonNotIdentified.

    Where the names were erased nobody can be held against them.
    """
    named = {one.name for one in await practitioners_of(s, cert_id=cert_id)} - {ERASED}
    if not named:
        return
    person = await require_identified(s, user_id=act.actor.user_id)
    if person.name not in named:
        raise PractitionerNeeded("nobody of this name is named under the certificate", cert_id=cert_id)
