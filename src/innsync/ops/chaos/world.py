"""Everything that a run consists of while it runs. Needs Django to be set up."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import httpx
import psycopg
from django.db import Error as DatabaseError
from django.db import connection
from psycopg.conninfo import make_conninfo

from innsync.ops.chaos import stage as staging
from innsync.ops.chaos.desk import Desk
from innsync.ops.chaos.guests import Api, ApiGuest, ChannelGuest, Crowd, Unanswered
from innsync.ops.chaos.laws import Court, Law
from innsync.ops.chaos.model import Patience, Promise, Truth
from innsync.ops.chaos.plan import Act
from innsync.ops.chaos.trail import trail
from innsync.ops.chaos.trial import Watcher
from innsync.ops.postgres_settings import SUPERUSER
from innsync.ops.sandbox_link import Sandbox
from innsync.ops.settling import Backlog, backlog, settle

API_GUESTS, DESKS = 5, 2
PACE_S = 0.35
ASKED_FOR_S = 30.0
NOT_TO_BE_ASKED = Backlog(outbox=-1, marked=0, messages=0)
"""While the database can't be asked something may be under way."""


class Site(Protocol):
    """What is under trial. `look` is called several times a second and starts again what must not stay down."""

    @property
    def urls(self) -> list[str]: ...

    @property
    def logs(self) -> Path: ...

    def look(self) -> None: ...


class Troubles(Protocol):
    """What is done to it. killed: how many processes so far."""

    killed: int

    def begin(self, act: Act) -> None: ...

    def end(self) -> None: ...


@dataclass(slots=True)
class World:
    """The stage with all that acts on it."""

    site: Site
    stage: staging.Stage
    truth: Truth
    sandbox: Sandbox
    trouble: Troubles
    patience: Patience
    crowd: Crowd
    client: httpx.Client
    report: Callable[[str], None]

    @classmethod
    @contextlib.contextmanager
    def made(
        cls,
        *,
        site: Site,
        sandbox_url: str,
        gates: Callable[[str], str],
        webhook_base: str,
        trouble: Callable[[Sandbox], Troubles],
        report: Callable[[str], None],
    ) -> Iterator[World]:
        """gates: answers by which address each vendor is to be reached. Webhooks come nowhere where their base is empty."""
        from innsync.ops import logs

        logs.configure(level="ERROR")
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # that the database goes away is no news here
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=0)
        patience = Patience()
        with httpx.Client(timeout=30, limits=limits, trust_env=False) as client:
            sandbox = Sandbox(sandbox_url, client)
            addresses = {vendor: gates(vendor) for vendor in sandbox.vendors()}
            stage = staging.make(sandbox=sandbox, gates=addresses, webhook_base=webhook_base)
            try:
                yield cls(
                    site=site,
                    stage=stage,
                    truth=Truth(rooms=stage.rooms, shown=tuple(staging.SHOWN)),
                    sandbox=sandbox,
                    trouble=trouble(sandbox),
                    patience=patience,
                    crowd=Crowd(patience),
                    client=client,
                    report=report,
                )
            finally:
                patience.give_up()

    @property
    def vendors(self) -> list[str]:
        return list(self.stage.connections)

    def in_words(self) -> str:
        standing = self.truth.standing()
        return (
            f"{len(standing)} bookings, {len(self.truth.open_questions())} questions open, {self.trouble.killed} kills"
        )

    # --- people -----------------------------------------------------------------------------------------------

    def open_doors(self, seed: int) -> None:
        """Let people come. Each has a chance of their own, from the seed."""
        calendar, truth = self.stage.calendar, self.truth
        desks = [
            Desk(
                organization_id=self.stage.organization_id,
                property_id=self.stage.property_id,
                room_types={code: self.stage.room_types[code] for code in shown},
                all_types=self.stage.room_types,
                products=self.stage.products,
                calendar=calendar,
                truth=truth,
                patience=self.patience,
                chance=random.Random(f"{seed}:desk {number}"),  # noqa: S311 - chance, not a secret
                name=f"desk {number}",
            )
            # Two who set the price of one night would have to ask each other which came last.
            for number, shown in enumerate(_shares(list(staging.SHOWN), DESKS))
        ]
        api = Api(urls=self.site.urls, key=self.stage.key, client=self.client, truth=truth, patience=self.patience)
        for number in range(API_GUESTS):
            chance = random.Random(f"{seed}:guest {number}")  # noqa: S311
            guest = ApiGuest(number, api, calendar, truth, chance, _to_one_of(desks, chance))
            self.crowd.add(f"guest {number}", guest.act, pause_s=PACE_S, chance=chance)
        for vendor in self.vendors:
            chance = random.Random(f"{seed}:at {vendor}")  # noqa: S311
            seller = ChannelGuest(
                vendor, self.sandbox.url, self.client, calendar, truth, chance, _to_one_of(desks, chance)
            )
            self.crowd.add(f"guests at {vendor}", seller.act, pause_s=PACE_S, chance=chance)
        for desk in desks:
            self.crowd.add(desk.name, desk.act, pause_s=PACE_S, chance=desk.chance)

    def close_doors(self, *, within_s: float) -> None:
        """Nobody comes any more; what was broken is mended; everybody waits for the answers they are owed."""
        self.patience.no_more()
        self.trouble.end()
        deadline = time.monotonic() + within_s
        while not self.crowd.join(0.1) and time.monotonic() < deadline:
            self.site.look()
        self.patience.give_up()
        self.crowd.join(15)

    # --- the end ----------------------------------------------------------------------------------------------

    def settle(self, watcher: Watcher, *, patience_s: float) -> Backlog:
        look = partial(
            backlog,
            organization_id=self.stage.organization_id,
            connection_ids=list(self.stage.connections.values()),
            code=staging.CODE,
            sandbox=self.sandbox,
            vendors=self.vendors,
        )

        def look_again() -> Backlog:
            self.site.look()
            try:
                return look()
            except (DatabaseError, psycopg.Error):
                connection.close()
                return NOT_TO_BE_ASKED

        return settle(look_again, patience_s=patience_s, on_look=lambda left: watcher.going(f"left: {left}"))

    def read_back(self, watcher: Watcher, *, within_s: float) -> int:
        """Let the night's safety net run now: what channels hold is read back, and what differs is sent.

        A channel that tells only a booking's last state never tells which nights it was changed to and from meanwhile, and
        counts rooms up there. Answers how many cells that was.
        """
        from innsync.apps.accounts.tenancy import tenant
        from innsync.apps.distribution import schedules
        from innsync.apps.distribution.models import Connection, Drift

        began = datetime.now(UTC)
        with tenant(self.stage.organization_id):
            for one in Connection.objects.select_related("property", "account"):
                schedules.run_now(connection=one, kind="audit", now=began)
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            self.site.look()
            with tenant(self.stage.organization_id):
                done = Connection.objects.filter(last_audit_at__gt=began).count()
                found = Drift.objects.filter(at__gt=began).count()
            if done == len(self.vendors):
                break
            watcher.going(f"{done} of {len(self.vendors)} channels are read back")
            time.sleep(0.3)
        connection.close()
        return found

    def judge(self, left: Backlog) -> list[Law]:
        settled = Law("nothing is under way any more", 1)
        if left.left:
            settled.breaks(str(left))
        people = Law("nobody who asks was harmed", 1)
        for words in self.crowd.broken:
            people.breaks(words)
        with self._database() as database:
            return [settled, people, *self.court(database).judge()]

    def court(self, database: psycopg.Connection[Any]) -> Court:
        return Court(self.stage, self.truth, self.sandbox, database, self._ask)

    def first_trail(self, laws: list[Law]) -> Iterator[str]:
        """Of the first violation that is about something."""
        broken = [violation for law in laws for violation in law.broken]
        about = next((one for one in broken if one.booking or one.night), None)
        if about is None:
            return
        yield about.words
        with self._database() as database:
            yield from trail(about, stage=self.stage, truth=self.truth, database=database, logs=self.site.logs)

    def _database(self) -> psycopg.Connection[Any]:
        return psycopg.connect(all_seeing(), autocommit=True, connect_timeout=10)

    def _ask(self, path: str, name: str) -> dict[str, Any]:
        """By the court, which has patience of its own: everybody else's is at its end."""
        patience = Patience()
        deadline = threading.Timer(ASKED_FOR_S, patience.give_up)
        deadline.start()
        api = Api(urls=self.site.urls, key=self.stage.key, client=self.client, truth=self.truth, patience=patience)
        try:
            answer = api.ask("GET", path, about=name)
        except Unanswered:
            return {}
        finally:
            deadline.cancel()
        found: dict[str, Any] = answer.json()
        return found


def all_seeing() -> str:
    """The address of the run's database for a login that sees every row."""
    return make_conninfo(os.environ["DATABASE_URL"], user=SUPERUSER)


def _shares(all_of_them: list[str], count: int) -> list[list[str]]:
    return [all_of_them[number::count] for number in range(count)]


def _to_one_of(desks: list[Desk], chance: random.Random) -> Callable[[Promise], None]:
    return lambda promise: chance.choice(desks).take(promise)
