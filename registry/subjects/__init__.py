"""Data subjects (个人): consents of their own, what they ask of a holder, what follows when they withdraw."""
