"""Statistics of a month and of a year's survey, from the evidence tables alone. They accuse nobody."""
