"""What all our credentials share: keys, proofs, status lists, strict reading (`docs/decisions/0030`)."""
