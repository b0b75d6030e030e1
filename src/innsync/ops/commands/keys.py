"""innsync keys: the keys of programs."""

from __future__ import annotations

import argparse
import math
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from innsync.ops.refusal import Refusal
from innsync.ops.setup import use_database

NAME = "keys"
HELP = "make, list, replace and withdraw API keys"
GRACE_H = 24.0


def lasting(text: str) -> float:
    """Days, more than none, and not past the end of the calendar."""
    return _between(text, above=0, most=100_000, words="a number of days, more than 0 and at most 100000")


def grace(text: str) -> float:
    """Hours; none ends the old key at once."""
    return _between(text, above=-1e-9, most=8760, words="a number of hours, 0 to 8760")


def _between(text: str, *, above: float, most: float, words: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not above < number <= most:  # not a number is no such number either
        raise argparse.ArgumentTypeError(f"{text} is not {words}")
    return number


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the keys of all organizations, or of one")
    listing.add_argument("--organization", metavar="NAME", help="name or id")
    create = actions.add_parser("create", help="make a key; its secret is shown this once")
    create.add_argument("name", help="what the key is for")
    create.add_argument("--organization", metavar="NAME", help="name or id; needed where there are several")
    create.add_argument(
        "--scope", action="append", dest="scopes", metavar="SCOPE", help="may be repeated; all when left out"
    )
    create.add_argument(
        "--property", action="append", dest="properties", metavar="CODE", help="only this property; may be repeated"
    )
    create.add_argument(
        "--allow-ip", action="append", dest="addresses", metavar="CIDR", help="only from there; may be repeated"
    )
    create.add_argument(
        "--origin",
        action="append",
        dest="origins",
        metavar="URL",
        help="make a publishable key, for pages of that website alone, such as https://www.example.com; may be repeated;"
        " needs --property",
    )
    create.add_argument("--expires-in-days", type=lasting, metavar="N", help="default: never")
    create.add_argument("--calls-per-minute", type=int, metavar="N", help="default: INNSYNC_API_CALLS_PER_MINUTE")
    rotate = actions.add_parser("rotate", help="make a key in place of another, which goes on working for a while")
    rotate.add_argument("key", type=UUID, help="its id")
    rotate.add_argument("--grace-hours", type=grace, default=GRACE_H, metavar="N", help=f"default: {GRACE_H:g}")
    signing = actions.add_parser(
        "rotate-signing", help="have tokens signed with a new key; this happens monthly by itself"
    )
    signing.add_argument(
        "--at-once", action="store_true", help="and refuse all tokens signed before, as when a signing key became known"
    )
    revoke = actions.add_parser("revoke", help="withdraw a key; it is refused from the next second on")
    revoke.add_argument("key", type=UUID, help="its id")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.accounts.services import UnknownApiKey
    from innsync.domain.errors import InvalidField

    actions = {
        "list": _list,
        "create": _create,
        "rotate": _rotate,
        "rotate-signing": _rotate_signing,
        "revoke": _revoke,
    }
    try:
        actions[args.action](args)
    except UnknownApiKey as error:
        raise Refusal(f"No living key has the id {error.key_id}.") from None
    except InvalidField as error:
        raise Refusal(f"{error.field.strip('/')} {error.problem}.") from None
    return 0


def _list(args: argparse.Namespace) -> None:
    from innsync.apps.accounts.models import ApiKey

    keys = ApiKey.objects.select_related("organization").order_by("organization__name", "created_at")
    if args.organization:
        keys = keys.filter(organization=find_organization(args.organization))
    for key in keys:
        used = f"used {key.last_used_at:%Y-%m-%d}" if key.last_used_at else "never used"
        print(
            f"{key.id}  {key.prefix}...  {_state(key)}  {used}  {key.organization.name}: {key.name}  {' '.join(key.scopes)}"
        )


def _state(key: Any) -> str:
    if key.revoked_at:
        return "withdrawn"
    if key.expires_at is None:
        return "good"
    return "expired" if key.expires_at <= datetime.now(UTC) else f"good until {key.expires_at:%Y-%m-%d %H:%M}Z"


def _create(args: argparse.Namespace) -> None:
    from innsync.apps.accounts.models import Scope
    from innsync.apps.accounts.services import PUBLISHABLE_SCOPES, create_api_key

    if not args.name.strip():
        raise Refusal("Say what the key is for, as in `innsync keys create Website`.")
    organization = find_organization(args.organization)
    days = args.expires_in_days
    key, secret = create_api_key(
        organization_id=organization.id,
        name=args.name,
        scopes=args.scopes or [scope.value for scope in (PUBLISHABLE_SCOPES if args.origins else Scope)],
        property_ids=_properties(organization.id, args.properties or []),
        ip_allowlist=args.addresses or [],
        expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
        calls_per_minute=args.calls_per_minute,
        origins=args.origins or [],
    )
    _show(key, secret)


def _properties(organization_id: UUID, codes: list[str]) -> list[UUID]:
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.properties.models import Property

    with tenant(organization_id):
        known = dict(Property.objects.filter(code__in=codes).values_list("code", "id"))
    for code in codes:
        if code not in known:
            raise Refusal(f"There is no property {code} in that organization.")
    return [known[code] for code in codes]


def _rotate(args: argparse.Namespace) -> None:
    from innsync.apps.accounts.services import rotate_api_key

    _show(*rotate_api_key(key_id=args.key, grace=timedelta(hours=args.grace_hours)))


def _rotate_signing(args: argparse.Namespace) -> None:
    from innsync.apps.tokens import signing

    made = signing.rotate(now=datetime.now(UTC), at_once=args.at_once)
    print(f"{made.id} signs tokens from {made.signs_from:%Y-%m-%d %H:%M}Z on.")


def _revoke(args: argparse.Namespace) -> None:
    from innsync.apps.accounts.services import revoke_api_key

    revoke_api_key(key_id=args.key)
    print(f"{args.key} is withdrawn.")


def _show(key: Any, secret: str) -> None:
    print(f"{key.id}  {key.name}")
    print(secret)
    if key.origins:
        print(f"Anybody may read it; it works in pages of {', '.join(key.origins)} alone.")
    else:
        print("Keep it now: it is not shown again.")


def find_organization(text: str | None) -> Any:
    """By name or id; the only one where nothing is said. Raises Refusal."""
    from innsync.apps.accounts.models import Organization

    found = Organization.objects.order_by("name")
    if text:
        try:
            found = found.filter(id=UUID(text))
        except ValueError:
            found = found.filter(name=text)
    one = list(found[:2])
    if len(one) == 1:
        return one[0]
    names = [f"{each.name} ({each.id})" for each in Organization.objects.order_by("name")[:20]]
    if not names:
        raise Refusal("There is no organization yet: `innsync user add EMAIL --new-organization NAME` makes one.")
    if text and not one:
        raise Refusal(f"There is no organization {text}; there is {', '.join(names)}.")
    raise Refusal(f"Say which organization with --organization, by its name or id: {', '.join(names)}.")
