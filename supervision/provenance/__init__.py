"""Where a data product came from and where it went, from the ledger's public statements alone."""
