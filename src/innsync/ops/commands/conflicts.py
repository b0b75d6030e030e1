"""innsync conflicts: oversales, and the ways out of them."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from innsync.ops.refusal import Refusal
from innsync.ops.setup import use_database

NAME = "conflicts"
HELP = "list oversales, show the ways out of one, settle it"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that are settled")
    parser.add_argument(
        "--conflict", type=UUID, metavar="ID", help="show the ways out of this one; with one of the following, take it"
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--move", nargs=2, type=UUID, metavar=("ROOM_STAY", "ROOM_TYPE"), help="move a stay to another type"
    )
    way.add_argument("--release", type=UUID, metavar="BLOCK", help="give an out-of-order room back")
    way.add_argument("--walk", type=UUID, metavar="BOOKING", help="the guest is lodged elsewhere; the booking ends")
    way.add_argument("--ask-channel", action="store_true", help="note that the channel was asked to cancel")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.models import Conflict

    way = args.move or args.release or args.walk or args.ask_channel
    if way and not args.conflict:
        raise Refusal("Say which conflict with --conflict ID: `innsync conflicts` lists them.")
    seen = 0
    for organization in Organization.objects.order_by("id"):
        with tenant(organization.id):
            found = Conflict.objects.select_related("property", "room_type", "booking").order_by("opened_at")
            if args.conflict:
                one = found.filter(id=args.conflict).first()
                if one is not None:
                    return _settle(organization.id, args) if way else _show(one)
                continue
            for one in found if args.all else found.filter(state="open"):
                seen += 1
                print(_in_words(one))
    if args.conflict:
        raise Refusal(f"There is no conflict {args.conflict}: `innsync conflicts --all` lists them.")
    if not seen:
        print("There has been no conflict." if args.all else "No conflict is open.", file=sys.stderr)
    return 0


def _in_words(conflict: Any) -> str:
    code = conflict.booking.code if conflict.booking else "-"
    place = f"{conflict.property.code}/{conflict.room_type.code}"
    words = f"{conflict.id}  {conflict.state}  {place}  {conflict.first}..{conflict.last}  booking {code}"
    return f"{words}  {conflict.resolution}".rstrip()


def _show(conflict: Any) -> int:
    """The conflict, and each way out of it as it is to be typed."""
    from innsync.apps.distribution.ways_out import list_concerned, list_releasable

    print(_in_words(conflict))
    if conflict.state != "open":
        return 0
    for stay in list_concerned(conflict):
        print(f"{stay.code}  {stay.guest_name}  {stay.check_in}..{stay.check_out}  {stay.channel}")
        for room_type in stay.free:
            print(f"  --move {stay.id} {room_type.id}  to {room_type.name}, {room_type.left} left")
        print(f"  --walk {stay.booking_id}  lodge the guest elsewhere")
    for block in list_releasable(conflict):
        room = block.room.name if block.room else conflict.room_type.name
        print(f"--release {block.id}  {room}, out of order {block.first}..{block.last}  {block.reason}".rstrip())
    print("--ask-channel  note that the channel was asked to cancel")
    return 0


def _settle(organization_id: UUID, args: argparse.Namespace) -> int:
    from innsync.apps.distribution import conflicts
    from innsync.domain.errors import DomainError

    now = datetime.now(UTC)
    about = {"conflict_id": args.conflict, "now": now, "actor": "command line"}
    try:
        if args.move:
            conflicts.resolve_by_moving(
                organization_id=organization_id, room_stay_id=args.move[0], room_type_id=args.move[1], **about
            )
        elif args.release:
            conflicts.resolve_by_release(organization_id=organization_id, out_of_order_id=args.release, **about)
        elif args.walk:
            conflicts.resolve_by_walking(organization_id=organization_id, booking_id=args.walk, **about)
        else:
            conflicts.ask_channel(**about)
    except DomainError as error:
        raise Refusal(f"Nothing was changed: {_why(error)}") from None
    if args.ask_channel:
        print("noted; the conflict closes when the channel's cancellation comes in")
    else:
        print("done; the conflict closes as soon as the nights are free")
    return 0


def _why(error: Exception) -> str:
    from innsync.apps.distribution.conflicts import NoWayOut
    from innsync.apps.inventory.services import SoldOut

    if isinstance(error, NoWayOut):
        return "it is settled, or what you named does not belong to it; without a way, --conflict ID shows what does."
    if isinstance(error, SoldOut):
        nights = ", ".join(sorted(str(night) for _, night in error.nights))
        return f"the other room type has no room left on {nights}."
    return f"{error}."
