"""innsync inbox: what came in and was not understood, and trying it again."""

from __future__ import annotations

import argparse
from uuid import UUID

from innsync.ops.setup import use_database

NAME = "inbox"
HELP = "list messages that need attention, show one, replay them"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also the messages that were applied")
    parser.add_argument("--show", type=UUID, metavar="ID", help="print one message as it was stored")
    parser.add_argument("--replay", metavar="ID|all", help="try messages that need attention again")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.inbox.models import Message
    from innsync.apps.inbox.services import replay

    waiting = 0
    for organization in Organization.objects.order_by("id"):
        with tenant(organization.id):
            if args.show:
                message = Message.objects.filter(id=args.show).first()
                if message is not None:
                    print(bytes(message.body).decode("utf-8", "replace"))
                continue
            found = Message.objects.order_by("received_at")
            messages = list(found if args.all else found.filter(state__in=["needs_attention", "waiting"]))
        if args.replay:
            chosen = [one.id for one in messages if args.replay in ("all", str(one.id))]
            applied = replay(organization_id=organization.id, message_ids=chosen)
            print(f"{organization.name}: {applied} of {len(chosen)} applied")
            waiting += len(chosen) - applied
            continue
        for one in messages:
            print(
                f"{one.id}  {one.received_at:%Y-%m-%d %H:%M}  {one.vendor}  {one.booking_ref}  {one.state}  {one.reason}"
            )
    return 1 if waiting else 0
