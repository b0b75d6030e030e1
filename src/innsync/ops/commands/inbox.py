"""innsync inbox: what came in and was not understood, and trying it again."""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from innsync.ops.refusal import Refusal
from innsync.ops.setup import use_database

NAME = "inbox"
HELP = "list messages that need attention, show one, replay them"
WAITING = ("needs_attention", "waiting")


def configure(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--all", action="store_true", help="also the messages that were applied")
    what.add_argument("--show", type=UUID, metavar="ID", help="print one message as it was stored")
    what.add_argument("--replay", metavar="ID|all", help="try messages that need attention again")


def run(args: argparse.Namespace) -> int:
    use_database()
    if args.show:
        return _show(args.show)
    if args.replay:
        return _replay(args.replay)
    return _list(everything=args.all)


def _show(message_id: UUID) -> int:
    from innsync.apps.inbox.models import Message

    for organization in _organizations():
        with _rows_of(organization):
            message = Message.objects.filter(id=message_id).first()
        if message is not None:
            print(bytes(message.body).decode("utf-8", "replace"))
            return 0
    raise Refusal(f"There is no message {message_id}: `innsync inbox --all` lists them.")


def _replay(wanted: str) -> int:
    from innsync.apps.inbox.models import Message
    from innsync.apps.inbox.services import replay

    seen = left = 0
    for organization in _organizations():
        with _rows_of(organization):
            found = list(Message.objects.filter(state__in=WAITING).values_list("id", flat=True))
        chosen = [one for one in found if wanted.lower() in ("all", str(one))]
        if chosen:
            applied = replay(organization_id=organization.id, message_ids=chosen)
            print(f"{organization.name}: {applied} of {len(chosen)} applied")
            seen += len(chosen)
            left += len(chosen) - applied
    if not seen and wanted.lower() != "all":
        raise Refusal(f"No message that waits has the id {wanted}: `innsync inbox` lists them.")
    if not seen:
        print("No message waits to be replayed.", file=sys.stderr)
    return 1 if left else 0


def _list(*, everything: bool) -> int:
    from innsync.apps.inbox.models import Message

    seen = 0
    for organization in _organizations():
        with _rows_of(organization):
            found = Message.objects.order_by("received_at")
            messages = list(found if everything else found.filter(state__in=WAITING))
        seen += len(messages)
        for one in messages:
            print(
                f"{one.id}  {one.received_at:%Y-%m-%d %H:%M}  {one.vendor}  {one.booking_ref}  {one.state}  {one.reason}"
            )
    if not seen:
        print("No message has come in yet." if everything else "No message needs attention.", file=sys.stderr)
    return 0


def _organizations() -> list[Any]:
    from innsync.apps.accounts.models import Organization

    return list(Organization.objects.order_by("id"))


def _rows_of(organization: Any) -> AbstractContextManager[None]:
    from innsync.apps.accounts.tenancy import tenant

    return tenant(organization.id)
