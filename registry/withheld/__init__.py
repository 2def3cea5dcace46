"""Objects whose data carry a person who has withdrawn: nothing rests on them until one without (R58)."""
