"""innsync reconcile: bring connections in step now, or only say what would be sent."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from innsync.integrations.ports import Push
from innsync.ops import connections
from innsync.ops.refusal import Refusal
from innsync.ops.setup import use_database

NAME = "reconcile"
HELP = "print and push the difference between wanted and acknowledged"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connection", metavar="ID", help=connections.HELP)
    parser.add_argument("--full", action="store_true", help="compare every night, not only those marked as changed")
    parser.add_argument(
        "--everything",
        action="store_true",
        help="send every night again, whatever the channel has accepted (a full sync)",
    )
    parser.add_argument(
        "--force", action="store_true", help="with --everything: also where the channel minds it so soon after the last"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the messages and send nothing")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.distribution.reconcile import reconcile

    if args.everything and args.dry_run:
        raise Refusal("--everything sends; --dry-run alone shows what would be sent.")
    failed = 0
    for link in connections.chosen(args.connection):
        if args.everything:
            _forget(link, force=args.force)
        # A dry run is only telling when every night is looked at.
        outcome = reconcile(
            organization_id=link.organization_id,
            connection_id=link.id,
            full=args.full or args.dry_run,
            dry_run=args.dry_run,
        )
        if args.dry_run:
            print(f"{link.title}: {len(outcome.plan)} messages")
        elif outcome.why:
            failed += 1
            print(f"{link.title}: {outcome.why}")
        else:
            print(f"{link.title}: {outcome.pushed} messages, {outcome.cells} cells accepted, {outcome.refused} refused")
        for push in outcome.plan:
            _tell(push)
    return 1 if failed else 0


def _tell(push: Push) -> None:
    for update in push.updates:
        values = ", ".join(f"{name}={value}" for name, value in update.values.items())
        target = update.target.room + (f"/{update.target.rate}" if update.target.rate else "")
        print(f"  {push.operation}  {target}  {update.first}..{update.last}  {values}")


def _forget(link: connections.Named, *, force: bool) -> None:
    """Let every night be sent again. Raises Refusal where the channel was sent everything lately and minds that."""
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution import services
    from innsync.apps.distribution.models import Connection

    try:
        with tenant(link.organization_id):
            found = Connection.objects.get(id=link.id)
            now = datetime.now(UTC)
            services.sync(connection=found, now=now, cause="full sync asked for by hand", forget=True, force=force)
    except services.FullSyncTooSoon as error:
        raise Refusal(
            f"{link.title} was sent everything at {error.last:%Y-%m-%d %H:%M} UTC, and the channel asks for no more before"
            f" {error.again_at:%Y-%m-%d %H:%M} UTC: say --force to send it all the same."
        ) from error
