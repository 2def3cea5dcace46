"""Held quotes: a price of the calculator that the exchange holds for a buyer, and the trade it begins."""
