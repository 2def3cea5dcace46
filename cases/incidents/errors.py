"""What the desk of incidents and warnings refuses."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted


class IncidentUnknown(NotFound):
    code = "incident-unknown"
    title = "No such incident"


class WarningUnknown(NotFound):
    code = "warning-unknown"
    title = "No such warning"


class IncidentMalformed(Malformed):
    """A report, a notice or a measure that is not of its form."""

    code = "incident-malformed"
    title = "What was said of the incident is not of its form"


class IncidentWrongState(Conflict):
    """The incident's state does not take this event."""

    code = "incident-wrong-state"
    title = "The incident's present state does not allow this"


class IncidentWrongRole(NotPermitted):
    """The event belongs to another role, or to whom the incident has befallen."""

    code = "incident-wrong-role"
    title = "Another one does this in an incident"


class IncidentReportDue(Conflict):
    """An incident from "larger" on is reported before it is called contained, and before it is closed."""

    code = "incident-report-due"
    title = "A report that the law wants has not been made"


class SubjectsNotNotified(Conflict):
    """PIPL Art 57: persons are told, unless measures avoid the harm; an authority may order it."""

    code = "subjects-not-notified"
    title = "The persons concerned have not been notified"


class MeasureStands(Conflict):
    """What was stopped goes on again, or it is said why it does not, before an incident is closed."""

    code = "incident-measure-stands"
    title = "A measure of this incident still stands"


class MeasureUnknown(NotFound):
    code = "incident-measure-unknown"
    title = "No such measure stands"


class MeasureBeyondPower(NotPermitted):
    """The measure is not in this role's power."""

    code = "incident-measure-beyond-power"
    title = "This role cannot order this"


class MeasureIdle(Conflict):
    """Nothing runs that the measure would stop."""

    code = "incident-measure-idle"
    title = "There is nothing that this would stop"


class IncidentSameOfficer(NotPermitted):
    """Closing, dismissing and grading down are a second person's work."""

    code = "incident-same-officer"
    title = "Another person does this"


class ClosingBeyondPower(NotPermitted):
    """An incident from "major" on is closed by an authority."""

    code = "incident-closing-beyond-power"
    title = "An authority closes an incident of this level"


class ReportUnknown(NotFound):
    code = "incident-report-unknown"
    title = "No such report waits here"


class ReportMisdirected(Conflict):
    """Nothing is due to this receiver; a follow-up comes after a first report."""

    code = "incident-report-misdirected"
    title = "This report is not one that is awaited"


class WarningWrongState(Conflict):
    """The warning's state does not take this event."""

    code = "warning-wrong-state"
    title = "The warning's present state does not allow this"


class WarningWrongRole(NotPermitted):
    code = "warning-wrong-role"
    title = "Another one decides about warnings"


class WeaknessCodeUnknown(NotFound):
    code = "weakness-code-unknown"
    title = "Nothing was reported under this code"


class SignalNotTold(Malformed):
    """This signal is read by the exchange itself; nobody tells it."""

    code = "signal-not-told"
    title = "This signal is not told by hand"
