"""US23-2: a concentration after which the merged undertaking's share is large, and HHI noticeably higher."""

from supervision.mergers import rule

RULE = rule("US23-2", cites=("MARKET",))
