from innsync.api.tests.fixtures import address, client, house

__all__ = ["address", "client", "house"]
