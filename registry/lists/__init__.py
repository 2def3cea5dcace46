"""The lists of public data: systems, data, demands, items with their one source, requests to share."""
