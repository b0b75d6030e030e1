"""New Channel's adapter: the ports that the manifest's `can` names, made of client.py and mapping.py.

Write a port, then add its capability to the manifest. The usual order, each a complete step with its checks:

1. catalogue                        list_rooms, check_access: a person can map rooms and rates
2. push_availability, push_rates    plan_push (pure: the fewest messages), send_push (one call, what it refused)
3. pull_bookings, acknowledge       pull_bookings and parse_booking; acknowledge is called after our commit
4. read_back                        what the vendor holds, so that an audit can find drift
5. list_bookings                    the second look, for what the vendor's queue lost
6. booking_webhook                  receive (verify over the raw bytes first), webhook_answer
7. register_webhook, try_webhook    where the vendor lets a program say which address it calls, and have it called

The signatures with their promises are in `innsync.integrations.ports` and docs/reference/adapters.md. What goes wrong is told
by the class of the error: Transient, RateLimited, OutcomeUnknown, Rejected, NeedsSetup, NotAuthorised, ContractBroken.
"""

from __future__ import annotations


class NewChannel:
    """Holds no state: one object serves all accounts and threads. What differs between accounts is in the Session."""


ADAPTER = NewChannel()
