"""That something about a property was changed which guests and websites read."""

from __future__ import annotations

from datetime import datetime

from innsync.apps.events import services as events
from innsync.apps.properties.models import Property


def content_changed(*, prop: Property, what: str, now: datetime, actor: str) -> None:
    """An event of the organization's stream. what: `property`, `photos`, `room_types`, `rooms`, `rate_plans`, `taxes`, `fees`."""
    events.record(
        organization_id=prop.organization_id,
        property_id=prop.id,
        type="content.changed",
        at=now,
        data={"what": what, "actor": actor},
    )
