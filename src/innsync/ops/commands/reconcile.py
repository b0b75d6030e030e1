"""innsync reconcile: bring connections in step now, or only say what would be sent."""

from __future__ import annotations

import argparse
from uuid import UUID

from innsync.ops.setup import use_database

NAME = "reconcile"
HELP = "print and push the difference between wanted and acknowledged"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connection", type=UUID, metavar="ID", help="only this connection")
    parser.add_argument("--full", action="store_true", help="compare every night, not only those marked as changed")
    parser.add_argument("--dry-run", action="store_true", help="show the messages and send nothing")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.reconcile import reconcile
    from innsync.apps.distribution.selectors import list_connection_ids, load_linked

    failed = 0
    for organization_id, connection_id in list_connection_ids():
        if args.connection and args.connection != connection_id:
            continue
        with tenant(organization_id):
            linked = load_linked(connection_id=connection_id)
        title = f"{linked.house.code} at {linked.manifest.name}"
        # A dry run is only telling when every night is looked at.
        outcome = reconcile(
            organization_id=organization_id,
            connection_id=connection_id,
            full=args.full or args.dry_run,
            dry_run=args.dry_run,
        )
        if args.dry_run:
            print(f"{title}: {len(outcome.plan)} messages")
            for push in outcome.plan:
                for update in push.updates:
                    values = ", ".join(f"{name}={value}" for name, value in update.values.items())
                    target = update.target.room + (f"/{update.target.rate}" if update.target.rate else "")
                    print(f"  {push.operation}  {target}  {update.first}..{update.last}  {values}")
        elif outcome.why:
            failed += 1
            print(f"{title}: {outcome.why}")
        else:
            print(f"{title}: {outcome.pushed} messages, {outcome.cells} cells accepted, {outcome.refused} refused")
    return 1 if failed else 0
