"""innsync audit: read back what channels really hold."""

from __future__ import annotations

import argparse
from uuid import UUID

from innsync.ops.setup import use_database

NAME = "audit"
HELP = "read back what channels hold, report and repair drift"
SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connection", type=UUID, metavar="ID", help="only this connection")
    parser.add_argument("--report-only", action="store_true", help="do not repair")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.audit import audit
    from innsync.apps.distribution.selectors import list_connection_ids, load_linked
    from innsync.apps.inbox.pulling import list_changed

    drifted = 0
    for organization_id, connection_id in list_connection_ids():
        if args.connection and args.connection != connection_id:
            continue
        with tenant(organization_id):
            linked = load_linked(connection_id=connection_id)
        found = audit(organization_id=organization_id, connection_id=connection_id, repair=not args.report_only)
        adopted = 0 if args.report_only else list_changed(organization_id=organization_id, connection_id=connection_id)
        title = f"{linked.house.code} at {linked.manifest.name}"
        if found.why:
            drifted += 1
            print(f"{title}: {found.why}")
            continue
        drifted += bool(found.drift)
        print(f"{title}: {found.cells} cells read, {len(found.drift)} drifted, {adopted} bookings adopted")
        for cell in found.drift[:SHOWN]:
            target = cell.target.room + (f"/{cell.target.rate}" if cell.target.rate else "")
            print(f"  {cell.day}  {target}  {cell.field}: acknowledged {cell.acknowledged}, holds {cell.held}")
        if len(found.drift) > SHOWN:
            print(f"  and {len(found.drift) - SHOWN} more")
    return 1 if drifted else 0
