"""Security bulletins (通报): what the parties of the market have to know, and that they have read it."""
