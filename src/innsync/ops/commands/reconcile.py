"""innsync reconcile: bring connections in step now, or only say what would be sent."""

from __future__ import annotations

import argparse

from innsync.ops import connections
from innsync.ops.setup import use_database

NAME = "reconcile"
HELP = "print and push the difference between wanted and acknowledged"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connection", metavar="ID", help=connections.HELP)
    parser.add_argument("--full", action="store_true", help="compare every night, not only those marked as changed")
    parser.add_argument("--dry-run", action="store_true", help="show the messages and send nothing")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.distribution.reconcile import reconcile

    failed = 0
    for link in connections.chosen(args.connection):
        # A dry run is only telling when every night is looked at.
        outcome = reconcile(
            organization_id=link.organization_id,
            connection_id=link.id,
            full=args.full or args.dry_run,
            dry_run=args.dry_run,
        )
        if args.dry_run:
            print(f"{link.title}: {len(outcome.plan)} messages")
            for push in outcome.plan:
                for update in push.updates:
                    values = ", ".join(f"{name}={value}" for name, value in update.values.items())
                    target = update.target.room + (f"/{update.target.rate}" if update.target.rate else "")
                    print(f"  {push.operation}  {target}  {update.first}..{update.last}  {values}")
        elif outcome.why:
            failed += 1
            print(f"{link.title}: {outcome.why}")
        else:
            print(f"{link.title}: {outcome.pushed} messages, {outcome.cells} cells accepted, {outcome.refused} refused")
    return 1 if failed else 0
