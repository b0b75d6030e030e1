"""innsync issuers: whose word is taken on who a guest is."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from uuid import UUID

from innsync.ops.commands.keys import find_organization
from innsync.ops.refusal import Refusal
from innsync.ops.setup import use_database

NAME = "issuers"
HELP = "trust, list and distrust sign-ins of booking engines (OpenID Connect)"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the issuers that an organization trusts")
    listing.add_argument("--organization", metavar="NAME", help="name or id; needed where there are several")
    trust = actions.add_parser(
        "trust", help="take an issuer's word on who a guest is, or change for whom its tokens are"
    )
    trust.add_argument("url", help="its address, as the iss of its tokens")
    trust.add_argument("--audience", required=True, help="the aud of its tokens, often a client id")
    trust.add_argument("--organization", metavar="NAME", help="name or id; needed where there are several")
    distrust = actions.add_parser("distrust", help="take it no more, and forget its users' accounts")
    distrust.add_argument("issuer", type=UUID, help="its id")
    distrust.add_argument("--organization", metavar="NAME", help="name or id; needed where there are several")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.tokens.issuers import UnknownIssuer
    from innsync.domain.errors import InvalidField

    organization = find_organization(args.organization)
    actions = {"list": _list, "trust": _trust, "distrust": _distrust}
    try:
        actions[args.action](args, organization.id)
    except UnknownIssuer as error:
        raise Refusal(f"That organization trusts no issuer of the id {error.id}.") from None
    except InvalidField as error:
        raise Refusal(f"{error.field.strip('/')} {error.problem}.") from None
    return 0


def _list(args: argparse.Namespace, organization_id: UUID) -> None:
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.tokens.models import Issuer

    with tenant(organization_id):
        for one in Issuer.objects.order_by("url"):
            print(f"{one.id}  {one.url}  for {one.audience}  keys read {one.keys_read_at:%Y-%m-%d %H:%M}Z")


def _trust(args: argparse.Namespace, organization_id: UUID) -> None:
    from innsync.apps.tokens import issuers

    made = issuers.trust(organization_id=organization_id, url=args.url, audience=args.audience, now=datetime.now(UTC))
    print(f"{made.id}  {made.url} is trusted: {len(made.keys)} keys.")


def _distrust(args: argparse.Namespace, organization_id: UUID) -> None:
    from innsync.apps.tokens import issuers

    issuers.distrust(organization_id=organization_id, issuer_id=args.issuer)
    print(f"{args.issuer} is trusted no more.")
