"""The connections that a command is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from innsync.ops.refusal import Refusal

HELP = "only this connection: its id, or as in beach-condo-123/expedia"


@dataclass(frozen=True, slots=True)
class Named:
    """A connection, and how a person names it."""

    organization_id: UUID
    id: UUID
    property_code: str
    vendor: str
    channel: str

    @property
    def title(self) -> str:
        return f"{self.property_code} at {self.channel}"

    def is_called(self, text: str) -> bool:
        return text in (str(self.id), f"{self.property_code}/{self.vendor}")


def chosen(text: str | None) -> list[Named]:
    """All connections of all organizations, or those that the text names. Raises Refusal when it names none."""
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.models import Connection
    from innsync.apps.distribution.selectors import list_connection_ids, load_linked
    from innsync.integrations.manifest import manifests

    found = []
    for organization_id, connection_id in list_connection_ids():
        try:
            with tenant(organization_id):
                linked = load_linked(connection_id=connection_id)
        except Connection.DoesNotExist:  # it was disconnected since they were listed
            continue
        vendor = linked.account.vendor
        # A channel that was taken out of this installation must not hide the others from its operator.
        channel = manifests()[vendor].name if vendor in manifests() else vendor
        one = Named(organization_id, connection_id, linked.house.code, vendor, channel)
        if text is None or one.is_called(text.lower()):
            found.append(one)
    if text is not None and not found:
        raise Refusal(f"No connection is called {text}: `innsync status --json` lists them with their ids.")
    return found
