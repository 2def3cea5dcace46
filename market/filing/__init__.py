"""After a settlement: invoice, filing, trade certificate, the licence's end and the end of the data."""
