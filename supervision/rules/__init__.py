"""The rules built so far: one file each. A rule that is not here is not run, and no report claims it is."""

from typing import Final

from supervision.context import Rule
from supervision.rules import (
    aml24_1,
    aml24_2,
    aml24_3,
    br1,
    br2,
    br4,
    br5,
    br6,
    br7,
    br8,
    br9,
    br11,
    br12,
    br13,
    s30,
    s30b,
    wt1,
    wt2,
    wt4,
)

ALL: Final[tuple[Rule, ...]] = (
    aml24_1.RULE,
    aml24_2.RULE,
    aml24_3.RULE,
    br1.RULE,
    br2.RULE,
    br4.RULE,
    br5.RULE,
    br6.RULE,
    br7.RULE,
    br8.RULE,
    br9.RULE,
    br11.RULE,
    br12.RULE,
    br13.RULE,
    s30.RULE,
    s30b.RULE,
    wt1.RULE,
    wt2.RULE,
    wt4.RULE,
)
