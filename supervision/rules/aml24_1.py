"""AML24-1: one undertaking reaches one half of the relevant market (AML Art 24 (1) 1)."""

from supervision.dominance import rule

RULE = rule("AML24-1", 1)
