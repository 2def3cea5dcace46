"""The duties of an agency for public data along its life cycle, and for each the evidence on record (R03)."""
