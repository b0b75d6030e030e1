"""A booking engine with a store of its own, or any other system that speaks the protocol that Innsync publishes."""
