"""`python -m tests.detect [--cases N] [--trades N] [--only RULE]…`: one JSON line a rule on standard output.

{"rule", "precision", "recall", "planted", "twins", "alerts", "class", "alerts_on_clean"}: violations and
their near-miss twins, planted (`rule:way` where a rule reads tables in a second way), then what each rule
says of a clean market, of which the last line tells.
The exit code is 1 where a hard rule misses or accuses, a rule does not run over the clean market, or
screens have too much to say of it.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import orjson

from supervision.finding import RuleClass
from supervision.rules import ALL
from supervision.runner import carry_out
from tests.detect import everything
from tests.detect.clean import clean_market
from tests.detect.planted import PLANTERS, measure, plan_of

PER_ALERT = 10_000


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.detect", description=__doc__)
    parser.add_argument("--cases", type=int, default=200, help="planted violations a rule, and twins (200)")
    parser.add_argument("--trades", type=int, default=100_000, help="trades of the clean market (100,000)")
    parser.add_argument("--only", action="append", choices=everything.ALL, help="this rule")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="databourse-detect-") as folder:
        alerts, classes, off = on_clean(Path(folder) / "clean", given.trades)
        missed = False
        for planted in given.only or everything.ALL:
            measured = measure(planted, Path(folder) / planted, cases=given.cases)
            rule_id, screen = PLANTERS[planted].rule_id, everything.is_screen(planted)
            missed |= not screen and (measured.precision, measured.recall) != (1.0, 1.0)
            line = measured.document() | {"class": "screen" if screen else "hard"}
            say(line | {"alerts_on_clean": None if rule_id in off else alerts[rule_id]})
    screens = sum(count for rule_id, count in alerts.items() if classes[rule_id] is RuleClass.SCREEN)
    hard = sum(alerts.values()) - screens
    clean = hard == 0 and screens * PER_ALERT <= given.trades and not off
    say({"clean_trades": given.trades, "hard_alerts": hard, "screen_alerts": screens, "rules_off": off})
    return int(missed or not clean)


def on_clean(folder, trades):
    """Alerts of every rule on a clean market, the class of each that gave one, and the rules that are off."""
    result = carry_out(plan_of(), clean_market(trades).write(folder))
    alerts = Counter({rule.rule_id: 0 for rule in ALL})
    classes = {rule.rule_id: RuleClass.HARD for rule in ALL}
    for finding in result.findings:
        alerts[finding.rule_id] += 1
        classes[finding.rule_id] = finding.rule_class
    return alerts, classes, sorted(off["rule_id"] for off in result.rules_off)


def say(line):
    sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
