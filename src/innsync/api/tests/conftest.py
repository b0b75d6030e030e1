from innsync.api.tests.fixtures import address, client, house, unrecorded

__all__ = ["address", "client", "house", "unrecorded"]
