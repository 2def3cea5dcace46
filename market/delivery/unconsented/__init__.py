"""What a person's fallen consent stops in the market, and who is told (R58; PIPL 15, 47)."""
