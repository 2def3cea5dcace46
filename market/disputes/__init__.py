"""What goes wrong after a delivery: disputes, mediation and ruling, refunds, contracts made void."""
