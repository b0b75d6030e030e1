"""Mail to people: written down in the transaction of its cause, sent by a worker, tried again for a day."""
