"""innsync conflicts: oversales, and the ways out of them."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from uuid import UUID

from innsync.ops.setup import use_database

NAME = "conflicts"
HELP = "list oversales and settle them"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that are settled")
    parser.add_argument("--conflict", type=UUID, metavar="ID", help="the one to settle, with one of the following")
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

    for organization in Organization.objects.order_by("id"):
        with tenant(organization.id):
            if args.conflict:
                if Conflict.objects.filter(id=args.conflict).exists():
                    return _settle(organization.id, args)
                continue
            found = Conflict.objects.select_related("property", "room_type", "booking").order_by("opened_at")
            for one in found if args.all else found.filter(state="open"):
                code = one.booking.code if one.booking else "-"
                print(
                    f"{one.id}  {one.state}  {one.property.code}/{one.room_type.code}  {one.first}..{one.last}"
                    f"  booking {code}  {one.resolution}"
                )
    if args.conflict:
        print("no conflict has that id")
        return 1
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
        elif args.ask_channel:
            conflicts.ask_channel(**about)
        else:
            print("say which way: --move, --release, --walk or --ask-channel")
            return 2
    except DomainError as error:
        print(f"not possible: {error}")
        return 1
    print("done; the conflict closes as soon as the nights are free")
    return 0
