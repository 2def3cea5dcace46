"""The metered interface: what a listing's API answers with, and the way of one call through the gate."""
