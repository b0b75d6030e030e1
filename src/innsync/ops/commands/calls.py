"""innsync calls: what programs and channels asked of the API, checked and given out."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from innsync.ops.refusal import Refusal
from innsync.ops.setup import use_database

NAME = "calls"
HELP = "check the record of API calls, or print it as JSON lines"
NOBODY = "nobody"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser("verify", help="walk the chain and name the first record that is not as it was written")
    verify.add_argument("--organization", metavar="ID|nobody", help="only this one's calls; `nobody`: unknown callers'")
    verify.add_argument(
        "--known",
        metavar="LINK:HASH",
        action="append",
        default=[],
        help="a link and hash as an earlier run printed them",
    )
    export = actions.add_parser("export", help="print calls as JSON lines, the oldest first")
    export.add_argument("--organization", metavar="ID|nobody", required=True, help="whose calls")
    export.add_argument("--since", metavar="TIME", type=_moment, help="ISO 8601, UTC unless it says otherwise")
    export.add_argument("--until", metavar="TIME", type=_moment, help="the first moment that is not wanted")
    export.add_argument("--links", action="store_true", help="the chain's links in place of the calls")


def run(args: argparse.Namespace) -> int:
    use_database()
    return _verify(args) if args.action == "verify" else _export(args)


def _verify(args: argparse.Namespace) -> int:
    from innsync.apps.calls.checking import verify
    from innsync.apps.calls.keeping import everybody

    known, broken = dict(_known(one) for one in args.known), 0
    if known and not args.organization:
        raise Refusal("--known says something about one chain: name it with --organization.")
    for whose in [_whose(args.organization)] if args.organization else everybody():
        found = verify(organization_id=whose, now=datetime.now(UTC), known=known)
        name = _name(whose)
        if found.broken:
            broken += 1
            where = f"call {found.broken.call_id} of link" if found.broken.call_id else "link"
            print(f"{name}: BROKEN: {where} {found.broken.link} {found.broken.what}")
        elif found.number or args.organization:
            print(f"{name}: {found.calls} calls, links {found.first} to {found.number}, good; ends with", end=" ")
            print(f"{found.number}:{found.hash}")
    return 1 if broken else 0


def _export(args: argparse.Namespace) -> int:
    from innsync.apps.calls.listing import Wanted, lines, link_lines

    whose = _whose(args.organization)
    found = (
        link_lines(organization_id=whose)
        if args.links
        else lines(organization_id=whose, wanted=Wanted(since=args.since, until=args.until))
    )
    for line in found:
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
    return 0


def _whose(text: str) -> UUID:
    from innsync.apps.accounts.models import Organization
    from innsync.apps.calls import models

    if text == NOBODY:
        return UUID(models.NOBODY)
    try:
        found = Organization.objects.filter(id=UUID(text)).first()
    except ValueError:
        found = None
    if found is None:
        every = ", ".join(f"{one.id} ({one.name})" for one in Organization.objects.order_by("name")[:20])
        raise Refusal(f"There is no organization {text}. There are: {every or 'none'}.")
    return found.id


def _name(organization_id: UUID) -> str:
    from innsync.apps.accounts.models import Organization

    return next(iter(Organization.objects.filter(id=organization_id).values_list("name", flat=True)), "Unknown callers")


def _known(text: str) -> tuple[int, Any]:
    number, _, said = text.partition(":")
    if not number.isdecimal() or len(said) != 64:
        raise Refusal(f"{text} is not a link and its hash, as in 812:4f1c...")
    return int(number), said


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
