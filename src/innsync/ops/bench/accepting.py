"""Taking channels' calls over HTTP: verified, card data cut out, stored and committed, then answered."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from innsync.ops import processes, shared_counts
from innsync.ops.bench import bare, bodies, posting, world
from innsync.ops.bench.costs import counted_statements, log_position
from innsync.ops.bench.posting import Posted, Posting
from innsync.ops.bench.result import Result, at_least, at_most, quantile
from innsync.ops.bench.scene import Stage

PACKAGE = "innsync.ops.bench.announcing"
CLIENTS = 32

_BARE = """
\\startpipeline
BEGIN;
WITH kept AS (
  INSERT INTO inbox_message (id, organization_id, account_id, vendor, message_id, property_ref, booking_ref, content_type,
    body, acknowledge, confirmation, received_at, deliveries, acknowledge_words, state, reason, found_by,
    listed_unacknowledged)
  VALUES (gen_random_uuid(), '{organization}', '{account}', '{vendor}', gen_random_uuid()::text, 'P1', 'B1',
    'application/json', convert_to(repeat('x', {size}), 'UTF8'), '{{}}', 'ABCDEFGHJ', now(), 1, '', 'received', '', '', false)
)
INSERT INTO events_outbox (organization_id, property_id, topic, payload, created_at, due_at)
VALUES ('{organization}', '{account}', 'apply_inbox', '{{"account_id": "{account}"}}', now(), now());
COMMIT;
\\endpipeline
"""


def accepting(stage: Stage) -> Result:
    """A channel's signed calls, each with a booking. What comes of them is not done meanwhile: only the web server runs."""
    secret, account_id = uuid4().hex, _account(stage)
    _take_secret(stage, account_id, secret)
    url = world.free_url()
    web = processes.web(port=int(url.rpartition(":")[2]), environment=shared_counts.begin(world.folder("hub")))
    arguments: dict[str, object] = {"url": url, "account": str(account_id), "secret": secret}
    size = len(bodies.call_body(0, "0"))
    with world.running("hub", web, f"{url}/healthz", INNSYNC_PUBLIC_URL=url):
        before = log_position()
        full = _post(stage, url, arguments)
        written = (log_position() - before) / max(1, len(full.latencies_ms))
        half = _post(stage, url, arguments, per_second=full.per_second / 2)
    limit = bare.transactions_per_second(
        _BARE.format(organization=stage.organization_id, account=account_id, vendor=bodies.VENDOR, size=size),
        organization_id=stage.organization_id,
        clients=CLIENTS,
        seconds=stage.size.seconds,
    )
    result = Result(
        "inbox",
        "calls/s",
        full.per_second,
        limit,
        quantile(full.latencies_ms, 0.5),
        quantile(full.latencies_ms, 0.99),
    )
    result.statements, result.bytes = _statements(arguments), written
    result.targets = [
        at_least("calls", 1_000, full.per_second, "a second"),
        at_most("p99 at half the rate", 50, quantile(half.latencies_ms, 0.99), "ms"),
    ]
    result.detail = {
        "half the rate": {
            "per_second": round(half.per_second, 1),
            "p50_ms": round(quantile(half.latencies_ms, 0.5), 2),
            "p99_ms": round(quantile(half.latencies_ms, 0.99), 2),
        },
        "message_bytes": size,
        "clients": CLIENTS,
        "seconds": stage.size.seconds,
        "latency_is": "of one call at saturation",
        "bytes_are": "written into the database's log",
        "limit_is": "the message's row and the hint to apply it, sent with the commit, by pgbench",
    }
    return result


def _post(stage: Stage, url: str, arguments: dict[str, object], *, per_second: float | None = None) -> Posted:
    asked = Posting(url, f"{bodies.__name__}:calls", arguments, CLIENTS, stage.size.seconds, per_second)
    return posting.run(asked, allowed=frozenset({200}))


def _account(stage: Stage) -> UUID:
    """The account of a channel that only this run knows, in this process and those that it starts."""
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution import services as distribution
    from innsync.apps.distribution.schedules import schedule
    from innsync.integrations.manifest import manifests

    os.environ["INNSYNC_CHANNEL_PACKAGES"] = PACKAGE
    manifests.cache_clear()
    now = datetime.now(UTC)
    with tenant(stage.organization_id):
        account = distribution.add_account(
            organization_id=stage.organization_id,
            vendor=bodies.VENDOR,
            name="Benchmark",
            credentials={"api_key": "none"},
            now=now,
        )
        schedule(
            organization_id=stage.organization_id,
            subject_id=account.id,
            kind="bookings",
            every_s=86_400,
            due_at=now + timedelta(days=1),
        )
    return account.id


def _take_secret(stage: Stage, account_id: UUID, secret: str) -> None:
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.models import Account
    from innsync.apps.distribution.vault import seal

    with tenant(stage.organization_id):
        Account.objects.filter(id=account_id).update(webhook_secrets=seal([secret]))


def _statements(arguments: dict[str, object]) -> float:
    from django.test import Client

    from innsync.ops.bench.announcing.adapter import SIGNATURE, sign

    account, secret = str(arguments["account"]), str(arguments["secret"])
    client = Client(headers={"Host": "localhost"})
    for number in range(2):
        body = bodies.call_body(number, uuid4().hex[:8])
        with counted_statements() as count:
            answer = client.post(
                f"/api/webhooks/{bodies.VENDOR}/{account}",
                data=body,
                content_type="application/json",
                headers={SIGNATURE: sign(body, secret)},
            )
        if answer.status_code != 200:
            raise RuntimeError(f"a call was answered {answer.status_code}")
    return count.statements
