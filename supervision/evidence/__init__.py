"""From ledger entries to evidence tables: what was said, folded into rows. No rule looks further back."""
