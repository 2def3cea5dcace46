"""The simulated escrow bank: another house, with its own process, books and key.

It knows `base` and nothing of the exchange but its address and its public key; the two talk in signed
ISO 20022 messages (`docs/bank.md`). The money in it is play money.
"""
