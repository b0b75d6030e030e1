"""innsync user: the people who sign in."""

from __future__ import annotations

import argparse
import getpass
import secrets
import sys
from typing import Any

from innsync.ops.refusal import Refusal
from innsync.ops.setup import use_database

NAME = "user"
HELP = "add people, set their roles and passwords"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="everybody, with their organizations and roles")
    add = actions.add_parser("add", help="add a person to an organization, or change the role there")
    add.add_argument("email")
    add.add_argument("--organization", metavar="NAME", help="name or id; needed where there are several")
    add.add_argument("--new-organization", metavar="NAME", help="make this organization first")
    add.add_argument("--role", default="administrator", help="administrator, manager, front_desk, revenue, staff ...")
    add.add_argument("--name", default="")
    password = actions.add_parser("password", help="set a password: typed, piped in, or made up and shown")
    password.add_argument("email")
    password.add_argument("--generate", action="store_true", help="make one up and show it")
    forget = actions.add_parser(
        "forget-second-step", help="let the password alone be enough: app, passkeys and codes are lost"
    )
    forget.add_argument("email")
    for name, words in (("disable", "no sign-in any more"), ("enable", "may sign in again")):
        actions.add_parser(name, help=words).add_argument("email")


def run(args: argparse.Namespace) -> int:
    use_database()
    actions = {
        "list": _list,
        "add": _add,
        "password": _password,
        "forget-second-step": _forget_second_step,
        "disable": _switch,
        "enable": _switch,
    }
    actions[args.action](args)
    return 0


def _list(args: argparse.Namespace) -> None:
    from innsync.apps.accounts.models import User

    for user in User.objects.prefetch_related("memberships__organization").order_by("email"):
        places = ", ".join(f"{one.role} at {one.organization.name}" for one in user.memberships.all())
        print(f"{user.email}  {'active' if user.is_active else 'disabled'}  {places or 'no organization'}")


def _add(args: argparse.Namespace) -> None:
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email
    from django.db import transaction

    from innsync.apps.accounts.models import Membership, Role, User
    from innsync.ops.commands.keys import find_organization

    if args.role not in Role.values:
        raise Refusal(f"A role is one of {', '.join(Role.values)}.")
    if args.organization and args.new_organization:
        raise Refusal("Name the organization with --organization, or make one with --new-organization: not both.")
    try:
        validate_email(args.email)
    except ValidationError:
        raise Refusal(f"{args.email} is not an e-mail address.") from None
    with transaction.atomic():
        if args.new_organization:
            organization = _new_organization(args.new_organization.strip())
        else:
            organization = find_organization(args.organization)
        user = User.objects.filter(email=args.email.lower()).first()
        password = ""
        if user is None:
            password = secrets.token_urlsafe(12)
            user = User.objects.create_user(email=args.email, password=password, name=args.name)
        Membership.objects.update_or_create(organization=organization, user=user, defaults={"role": args.role})
    print(f"{user.email} is {args.role} at {organization.name}.")
    if password:
        print(f"Password: {password}")


def _new_organization(name: str) -> Any:
    """Two of one name could not be told apart by it."""
    from innsync.apps.accounts.models import Organization

    if not name:
        raise Refusal("Say what the organization is called, as in --new-organization 'My Hotels'.")
    if Organization.objects.filter(name__iexact=name).exists():
        raise Refusal(f"There is an organization {name} already: add people to it with --organization.")
    return Organization.objects.create(name=name)


def _password(args: argparse.Namespace) -> None:
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    user = _find(args.email)
    password = secrets.token_urlsafe(12) if args.generate else _read_password()
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refusal(" ".join(error.messages)) from None
    user.set_password(password)
    user.save(update_fields=["password"])
    print(f"Password: {password}" if args.generate else "The password is set.")


def _read_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("New password: ")
    return sys.stdin.readline().rstrip("\n")


def _switch(args: argparse.Namespace) -> None:
    user = _find(args.email)
    user.is_active = args.action == "enable"
    user.save(update_fields=["is_active"])
    print(f"{user.email} {'may sign in' if user.is_active else 'may not sign in any more'}.")


def _forget_second_step(args: argparse.Namespace) -> None:
    from allauth.mfa.models import Authenticator

    user = _find(args.email)
    Authenticator.objects.filter(user=user).delete()
    print(f"{user.email} signs in by the password alone now, and can set a second step up anew.")


def _find(email: str) -> Any:
    from innsync.apps.accounts.models import User

    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        raise Refusal(f"Nobody has the address {email}.")
    return user
