from base.errors import Malformed


class UnusableEvidence(Malformed):
    """The evidence tables cannot be read as what they claim to be."""

    code = "unusable-evidence"
    title = "The evidence tables cannot be used"


class UnusableLedger(Malformed):
    """A ledger entry from which evidence should be derived is not of the form agreed."""

    code = "unusable-ledger"
    title = "The ledger entries cannot be used as evidence"


class RegulatorEditionNeeded(Malformed):
    """The bundle is of the public edition: it holds no prices, so no evidence can be derived."""

    code = "regulator-edition-needed"
    title = "Evidence needs the regulator edition"


class UnusableFindings(Malformed):
    """A findings file is not of the form that `databourse supervise` writes."""

    code = "unusable-findings"
    title = "The findings cannot be read"


class StateUnfit(Malformed):
    """A file is not what an earlier audit of this log kept: it is neither used nor written over."""

    code = "audit-state-unfit"
    title = "The state of an earlier audit cannot be used"


class EngineMissing(Malformed):
    """The engine asked for is not installed, or cannot be started here."""

    code = "engine-missing"
    title = "The engine cannot be started"
