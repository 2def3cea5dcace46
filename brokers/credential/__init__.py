"""The broker's certificate as a W3C Verifiable Credential that anybody checks without asking us."""
