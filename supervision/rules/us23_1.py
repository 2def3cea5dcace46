"""US23-1: a concentration after which the market is highly concentrated, and noticeably more than before."""

from supervision.mergers import rule

RULE = rule("US23-1", cites=("MARKET",))
