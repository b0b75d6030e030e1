"""Check everything that an operator needs to know."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg

from innsync.ops import doctor, running
from innsync.ops.databases import reason
from innsync.ops.doctor import Finding, Patient, Status
from innsync.ops.refusal import Refusal

NAME = "doctor"
HELP = "check everything that an operator needs to know; exit code 1 when something fails"
NEEDS_DATABASE = False


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a JSON list of findings")


def run(args: argparse.Namespace) -> int:
    findings = list(examine(args))
    if args.json:
        print(json.dumps([finding.as_json() for finding in findings]))
    else:
        for finding in findings:
            print(in_words(finding))
    return int(any(finding.status is Status.FAIL for finding in findings))


def examine(args: argparse.Namespace) -> Iterator[Finding]:
    from innsync.ops import doctor_checks

    with contextlib.ExitStack() as stack:
        database: psycopg.Connection | None = None
        at_rest = False
        try:
            stack.enter_context(running.environment_of(args.data_dir))
            at_rest = running.is_at_rest(args.data_dir)
            database = stack.enter_context(doctor_checks.reach(application_login(os.environ["DATABASE_URL"])))
        except Refusal as refusal:
            yield doctor.fail("database", str(refusal), "Start Innsync with `innsync up`, or set DATABASE_URL.")
        except psycopg.Error as error:
            words = reason(error) if isinstance(error, psycopg.OperationalError) else "DATABASE_URL is no address"
            yield doctor.fail(
                "database", f"can't be reached: {words}", "See that it runs and that DATABASE_URL is right."
            )
        yield from doctor.examine(
            Patient(data_dir=args.data_dir, now=datetime.now(UTC), database=database, at_rest=at_rest)
        )


def application_login(url: str) -> str:
    """The address as Django uses it: another login takes the application's role first."""
    from django.conf import settings

    role = settings.APPLICATION_ROLE
    parts = psycopg.conninfo.conninfo_to_dict(url)
    if parts.get("user") == role:
        return url
    return psycopg.conninfo.make_conninfo(url, options=f"{parts.get('options') or ''} -c role={role}".strip())


def in_words(finding: Finding) -> str:
    line = f"{finding.status.value:<5} {finding.name}: {finding.detail}"
    return f"{line}\n      {finding.remedy}" if finding.remedy else line
