"""The public catalogue in DCAT-AP 3: what is opened and what is on offer, as data portals harvest it."""
