"""The limit of a search: the best single statement that gives the same offers, by pgbench.

It knows what the benchmark's property asks for (two adults; 6 % contained in the price; a city tax of 2.00 a person for
seven nights) where a search must find it out. `agrees` compares its totals with an answer's.
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from typing import Any

import psycopg

from innsync.ops.bench import bare
from innsync.ops.bench.scene import NIGHTS, Stage

ADULTS, CITY_MINOR, VAT_PERCENT = 2, 200, 6
CLIENTS = (4, 16)
"""Tried one after the other; the better counts."""

_STATEMENT = """
WITH night AS MATERIALIZED (
  SELECT day, prices, min_through, flags, array_remove(min_through || flags, NULL) = '{{}}' AS open FROM rates_rateday
  WHERE property_id = '{property}' AND day >= {check_in} AND day < {check_in} + {nights} ORDER BY day
), edge AS MATERIALIZED (
  SELECT a.min_arrival, a.max_stay, a.flags AS arriving, l.flags AS leaving FROM (VALUES (1)) one
  LEFT JOIN rates_rateday a ON a.property_id = '{property}' AND a.day = {check_in}
  LEFT JOIN rates_rateday l ON l.property_id = '{property}' AND l.day = {check_in} + {nights}
), stock AS MATERIALIZED (
  SELECT room_type_id, min(rooms - out_of_order - sold - held - withheld) AS fewest FROM inventory_stockday
  WHERE property_id = '{property}' AND day >= {check_in} AND day < {check_in} + {nights}
  GROUP BY room_type_id HAVING count(*) = {nights} AND min(rooms - out_of_order - sold - held - withheld) >= 1
)
SELECT c.room_type_id, c.rate_plan_id, s.fewest, o.nightly, {city} AS city,
  (2 * o.subtotal * {vat} + 100 + {vat}) / (2 * (100 + {vat})) AS vat, o.subtotal + {city} AS total
FROM rates_product c JOIN rates_rateplan r ON r.id = c.rate_plan_id
LEFT JOIN rates_product p ON p.room_type_id = c.room_type_id AND p.rate_plan_id = r.parent_id
JOIN stock s ON s.room_type_id = c.room_type_id
CROSS JOIN edge e
CROSS JOIN LATERAL (SELECT 2 * (100 + (r.derivation->>'value')::int) AS twice OFFSET 0) k
CROSS JOIN LATERAL (
  SELECT array_agg(q.price) AS nightly, sum(q.price) AS subtotal, count(q.price) AS priced, bool_and(q.sold) AS sold FROM (
    SELECT coalesce(n.prices[c.slot], ((n.prices[p.slot] * k.twice + 100) / 200)::int) AS price,
      n.open OR (coalesce(n.flags[c.slot], n.flags[p.slot], 0) & 4 = 0
        AND coalesce(n.min_through[c.slot], n.min_through[p.slot], 0) <= {nights}) AS sold
    FROM night n) q
) o
WHERE c.property_id = '{property}' AND o.priced = {nights} AND o.sold
  AND coalesce(e.arriving[c.slot], e.arriving[p.slot], 0) & 1 = 0
  AND coalesce(e.leaving[c.slot], e.leaving[p.slot], 0) & 2 = 0
  AND coalesce(e.min_arrival[c.slot], e.min_arrival[p.slot], 0) <= {nights}
  AND coalesce(nullif(coalesce(e.max_stay[c.slot], e.max_stay[p.slot]), 0), {nights}) >= {nights}
ORDER BY total
"""


def rate(stage: Stage, *, last_arrival: int) -> float:
    """How many a second, over stays that begin 1 to so many days from now."""
    statement = _statement(stage, f"(date '{stage.first}' + :day::int)")
    script = f"\\set day random(1, {last_arrival})\n{statement};\n"
    return max(
        bare.transactions_per_second(
            script,
            organization_id=stage.organization_id,
            clients=clients,
            seconds=stage.size.seconds / len(CLIENTS),
        )
        for clients in CLIENTS
    )


_YEAR = """
SELECT room_type_id, day, rooms - out_of_order - sold - held - withheld FROM inventory_stockday
 WHERE property_id = '{property}' AND day >= date '{first}' AND day < date '{first}' + {days};
SELECT day, prices, min_arrival, min_through, max_stay, flags FROM rates_rateday
 WHERE property_id = '{property}' AND day >= date '{first}' AND day < date '{first}' + {days} ORDER BY day;
"""


def year_ms(stage: Stage, *, days: int) -> float:
    """How long the rows of so many days take, one client alone."""
    script = _YEAR.format(property=stage.property_id, first=stage.first, days=days)
    return 1000 / bare.transactions_per_second(
        script, organization_id=stage.organization_id, clients=1, seconds=stage.size.seconds / 2
    )


def agrees(stage: Stage, check_in: date, answer: dict[str, Any]) -> bool:
    """Whether the statement gives the offers of that answer: products, rooms left, nights, taxes and totals."""
    with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=10) as connection:
        connection.execute("SELECT set_config('innsync.organization', %s, true)", [str(stage.organization_id)])
        rows = connection.execute(_statement(stage, f"date '{check_in}'")).fetchall()
    best = {(str(row[0]), str(row[1])): (row[2], list(row[3]), [row[4], row[5]], row[6]) for row in rows}
    ours = {
        (one["room_type_id"], one["rate_plan_id"]): (
            one["available"],
            [_minor(night["amount"]) for night in one["nightly"]],
            [_minor(tax["amount"]) for tax in one["taxes"]],
            _minor(one["total"]["amount"]),
        )
        for one in answer["offers"]
    }
    return bool(best) and best == ours


def check_out(check_in: date) -> date:
    return check_in + timedelta(days=NIGHTS)


def _statement(stage: Stage, check_in: str) -> str:
    return _STATEMENT.format(
        property=stage.property_id,
        check_in=check_in,
        nights=NIGHTS,
        vat=VAT_PERCENT,
        city=ADULTS * CITY_MINOR * NIGHTS,
    )


def _minor(amount: str) -> int:
    return int(amount.replace(".", ""))
