"""Conduct of brokers: conflicts disclosed and consented to (BR4), what is told in time (BR12, BR13)."""
