"""The ISO 20022 messages: one a file, pure. Bytes to values, values to bytes."""
