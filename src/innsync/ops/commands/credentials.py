"""innsync credentials: give an account new credentials, after they were refused or replaced at the channel."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Collection
from datetime import UTC, datetime

from innsync.ops import connections
from innsync.ops.refusal import Refusal
from innsync.ops.setup import use_database

NAME = "credentials"
HELP = "give a channel's account new credentials: asked for here, or NAME=VALUE lines on standard input"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("connection", metavar="CONNECTION", help="whose account: " + connections.HELP.split(": ")[1])
    parser.add_argument(
        "--unproved", action="store_true", help="keep them without asking the channel whether they are good"
    )


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.access import NothingToAsk, prove
    from innsync.apps.distribution.selectors import load_linked
    from innsync.apps.distribution.services import change_credentials
    from innsync.apps.distribution.vault import unseal
    from innsync.integrations.errors import IntegrationError, OutcomeUnknown, RateLimited, Transient

    one = _only(args.connection)
    with tenant(one.organization_id):
        linked = load_linked(connection_id=one.id)
        kept = unseal(linked.account.credentials)
    assert isinstance(kept, dict)
    given = _asked(one.channel, kept) if sys.stdin.isatty() else _read(kept)
    if not given:
        raise Refusal("Nothing was given; the credentials stay as they are.")
    credentials = {**kept, **given}
    if not args.unproved:
        try:
            prove(linked, credentials)
        except (OutcomeUnknown, RateLimited, Transient) as error:
            why = error.words or type(error).__name__
            raise Refusal(
                f"{one.channel} could not be asked now ({why}); the old ones are kept. Try again, or use --unproved."
            ) from error
        except NothingToAsk as error:
            raise Refusal(f"{one.channel} has no way of trying them: use --unproved.") from error
        except IntegrationError as error:
            why = error.words or type(error).__name__
            raise Refusal(f"{one.channel} does not take them ({why}); the old ones are kept.") from error
    with tenant(one.organization_id):
        change_credentials(account=linked.account, credentials=credentials, now=datetime.now(UTC))
    print(f"The account “{linked.account.name}” at {one.channel} has new credentials; connections that waited go on.")
    return 0


def _only(text: str) -> connections.Named:
    found = connections.chosen(text)
    if len(found) > 1:
        raise Refusal(f"{text} names {len(found)} connections: give the id, from `innsync status --json`.")
    return found[0]


def _asked(channel: str, names: Collection[str]) -> dict[str, str]:
    given = {name: getpass.getpass(f"{name} at {channel} (empty: as before): ").strip() for name in names}
    return {name: value for name, value in given.items() if value}


def _read(names: Collection[str]) -> dict[str, str]:
    given = {}
    for number, line in enumerate(sys.stdin, 1):
        name, equals, value = line.rstrip("\r\n").partition("=")
        if not (name or equals):
            continue
        if name not in names or not value:
            raise Refusal(f"Line {number} is not NAME=VALUE; the names are {', '.join(sorted(names))}.")
        given[name] = value
    return given
