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
    "CTB.ASK": N_("Contribution to a joint product asked for"),
    "CTB.AGREE": N_("Contributor agreed"),
    "CTB.REFUSE": N_("Contributor refused"),
    "CTB.CANCEL": N_("Ask for a contribution taken back"),
    "CTB.WITHDRAW": N_("Contributor withdrew"),
    "PCM.STATE": N_("Basis of procurement stated"),
    "RWD.CLAIM": N_("Broker's reward claimed"),
    "RWD.CONTEST": N_("Broker's reward contested"),
    "RWD.ANSWER": N_("Broker's answer to the contest"),
    "RWD.WITHDRAW": N_("Contest withdrawn"),
    "RWD.DECIDE": N_("Contest of the reward decided"),
    "RWD.RELEASE": N_("Broker's reward given up"),
    "RWD.FALL": N_("Broker's reward not owed any more"),
}

GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "contribution": {
        "ASKED": N_("Asked"),
        "AGREED": N_("Has agreed"),
        "REFUSED": N_("Refused"),
        "CANCELLED": N_("Taken back"),
        "WITHDRAWN": N_("Withdrawn"),
    },
    "contribution_basis": {
        "REGISTRATION": N_("Registered property right"),
        "GRANT": N_("Grant of authorised operation"),
        "STATEMENT": N_("Source statement of its own"),
    },
    "contribution_reason": {
        "NOT_OUR_DATA": N_("It holds none of our data"),
        "NO_RIGHT_TO_PROVIDE": N_("We may not provide this data to others"),
        "TERMS_NOT_ACCEPTED": N_("The terms are not acceptable"),
        "NOT_NEEDED": N_("The data is not needed"),
        "TERMS_CHANGED": N_("The terms are to be changed"),
        "END_OF_COOPERATION": N_("The cooperation has ended"),
        "RIGHT_LOST": N_("The right to the data was lost"),
        "TERMS_BROKEN": N_("The terms were not kept"),
    },
}
