"""The table share: a right of kind SHARE, read by data tools that speak the Delta Sharing protocol."""
