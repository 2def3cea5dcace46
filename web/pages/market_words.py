"""The words of requests, auctions and deliveries: their states, and what is stated of them."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

STATES: Final[Mapping[str, str]] = {
    # a data request, an auction
    "OPEN": N_("Open"),
    "AWARDED": N_("Awarded"),
    "FAILED": N_("Not awarded"),
    "WITHDRAWN": N_("Withdrawn"),
    # a held quote
    "HELD": N_("Held"),
    "USED": N_("Used"),
}
EVENTS: Final[Mapping[str, str]] = {
    "REQ.PUBLISH": N_("Data request published"),
    "REQ.ANSWER": N_("Data request answered"),
    "REQ.FULFIL": N_("Data request fulfilled"),
    "REQ.WITHDRAW": N_("Data request withdrawn"),
    "REQ.EXPIRE": N_("Data request expired"),
    "AUC.OPEN": N_("Auction opened"),
    "AUC.COMMIT": N_("Sealed bid committed"),
    "AUC.CANCEL": N_("Auction cancelled"),
    "AUC.CLOSE": N_("Auction closed"),
    "AUC.REVEAL": N_("Bid revealed"),
    "AUC.REVEAL_RESERVE": N_("Reserve revealed"),
    "AUC.AWARD": N_("Auction awarded"),
    "AUC.FAIL": N_("Auction without award"),
    "DLV.DOWNLOAD": N_("Download finished"),
    "DLV.RELEASE_KEY": N_("Key of the package released"),
    "DLV.CHECK": N_("Goods checked"),
    "DLV.MARK": N_("The buyer's own copy was made"),
    "DLV.INTERFACE": N_("Interface described"),
    "DLV.USAGE": N_("Usage stated"),
    "DLV.ISSUE_KEY": N_("Access key issued"),
    "DLV.REVOKE_KEY": N_("Access key revoked"),
    "DLV.QUERY": N_("Question answered"),
    "DLV.APPROVE_ALGORITHM": N_("Question approved"),
    "PCM.STATE": N_("Basis of procurement stated"),
    "RWD.CLAIM": N_("Broker's reward claimed"),
    "RWD.CONTEST": N_("Broker's reward contested"),
    "RWD.ANSWER": N_("Broker's answer to the contest"),
    "RWD.WITHDRAW": N_("Contest withdrawn"),
    "RWD.DECIDE": N_("Contest of the reward decided"),
    "RWD.RELEASE": N_("Broker's reward given up"),
    "RWD.FALL": N_("Broker's reward not owed any more"),
}
