"""AML24-2: two undertakings reach two thirds together (AML Art 24 (1) 2); none below a tenth."""

from supervision.dominance import rule

RULE = rule("AML24-2", 2)
