"""What is offered, and how it came to be on offer."""
