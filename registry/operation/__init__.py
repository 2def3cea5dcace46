"""Authorised operation of public data (授权运营): schemes, operators, scenarios, uses, prices, disclosure."""
