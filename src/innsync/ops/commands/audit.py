"""innsync audit: read back what channels really hold."""

from __future__ import annotations

import argparse

from innsync.ops import connections
from innsync.ops.setup import use_database

NAME = "audit"
HELP = "read back what channels hold, report and repair drift"
SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connection", metavar="ID", help=connections.HELP)
    parser.add_argument("--report-only", action="store_true", help="do not repair")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.distribution.audit import audit
    from innsync.apps.distribution.catalogue import check_mapping
    from innsync.apps.inbox.pulling import list_changed

    drifted = 0
    for link in connections.chosen(args.connection):
        found = audit(organization_id=link.organization_id, connection_id=link.id, repair=not args.report_only)
        adopted = 0 if args.report_only else list_changed(organization_id=link.organization_id, connection_id=link.id)
        if found.why:
            drifted += 1
            print(f"{link.title}: {found.why}")
            continue
        drifted += bool(found.drift)
        print(f"{link.title}: {found.cells} cells read, {len(found.drift)} drifted, {adopted} bookings adopted")
        for cell in found.drift[:SHOWN]:
            target = cell.target.room + (f"/{cell.target.rate}" if cell.target.rate else "")
            print(f"  {cell.day}  {target}  {cell.field}: acknowledged {cell.acknowledged}, holds {cell.held}")
        if len(found.drift) > SHOWN:
            print(f"  and {len(found.drift) - SHOWN} more")
        for finding in check_mapping(organization_id=link.organization_id, connection_id=link.id):
            print(f"  mapping: {finding}")
    return 1 if drifted else 0
