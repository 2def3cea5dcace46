"""The trade's negotiation and contract, from inquiry to signature."""
