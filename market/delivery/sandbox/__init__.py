"""The answer instead of the data: questions to a table that stays where it lies, each with its price."""
