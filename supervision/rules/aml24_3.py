"""AML24-3: three undertakings reach three quarters together (AML Art 24 (1) 3); none below a tenth."""

from supervision.dominance import rule

RULE = rule("AML24-3", 3)
