"""Setting a property up so that it can be sold: the steps that touch rooms, stock and prices at once."""
