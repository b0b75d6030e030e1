"""What can be done with a booking."""

from innsync.apps.reservations.quoting import RoomRequest
from innsync.apps.reservations.refusals import (
    NotChangeable,
    PriceChanged,
    RoomTaken,
    StaleVersion,
    StayNotSellable,
    UnknownBooking,
)
from innsync.apps.reservations.services.assign import assign_rooms
from innsync.apps.reservations.services.book import book
from innsync.apps.reservations.services.cancel import cancel
from innsync.apps.reservations.services.channel import (
    Applied,
    ResolvedRoom,
    apply_channel_revision,
    is_superseded,
)
from innsync.apps.reservations.services.details import change_details
from innsync.apps.reservations.services.holds import expire_holds, place_hold, release_hold
from innsync.apps.reservations.services.imported import (
    Imported,
    ImportedRoom,
    change_imported,
    import_booking,
    take_back_import,
)
from innsync.apps.reservations.services.mails import confirms, note_mail
from innsync.apps.reservations.services.modify import modify, move_room_stay
from innsync.apps.reservations.services.place import (
    OtherType,
    pin_stay,
    place_part,
    place_stay,
    split_stay,
)
from innsync.apps.reservations.services.rearrange import (
    Arranged,
    change_stays,
    preview_changing,
    preview_rearranging,
    rearrange,
)
from innsync.apps.reservations.services.states import change_state
from innsync.apps.reservations.services.undo import put_back, remember, rooms_now, take_back_assignment

__all__ = [
    "Applied",
    "Arranged",
    "Imported",
    "ImportedRoom",
    "NotChangeable",
    "OtherType",
    "PriceChanged",
    "ResolvedRoom",
    "RoomRequest",
    "RoomTaken",
    "StaleVersion",
    "StayNotSellable",
    "UnknownBooking",
    "apply_channel_revision",
    "assign_rooms",
    "book",
    "cancel",
    "change_details",
    "change_imported",
    "change_state",
    "change_stays",
    "confirms",
    "expire_holds",
    "import_booking",
    "is_superseded",
    "modify",
    "move_room_stay",
    "note_mail",
    "pin_stay",
    "place_hold",
    "place_part",
    "place_stay",
    "preview_changing",
    "preview_rearranging",
    "put_back",
    "rearrange",
    "release_hold",
    "remember",
    "rooms_now",
    "split_stay",
    "take_back_assignment",
    "take_back_import",
]
