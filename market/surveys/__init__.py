"""The data-asset survey: what each unit spent on data in a year, what for, and of which kind."""
