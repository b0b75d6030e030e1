"""A vendor that exists in the tests alone: the smallest thing that is a whole adapter and a whole world."""
