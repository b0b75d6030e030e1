"""The contract between Innsync and a channel's adapter: manifest, ports, the values they exchange."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from innsync.domain import ari, channel
from innsync.integrations import manifest, ports
from innsync.ops.docs import markdown

INTRO = """An adapter is a package with a `manifest.toml` and an `adapter.py` whose `ADAPTER` implements the ports that the manifest's
`can` names. Packages in `innsync/channels` are found by looking; others are named in `INNSYNC_CHANNEL_PACKAGES`.
[How to add a channel](../howto/add-a-channel.md) walks through one."""
KEYS: dict[str, str] = {
    "key": "name of the channel in addresses, the database and the command line; unique",
    "name": "as people call it",
    "can": "the capabilities that the adapter implements; a claim without its port is refused at start",
    "horizon_days": "how many days ahead the vendor takes values",
    "poll_s": "seconds between two looks at the vendor's queue of bookings; 600 when left out",
    "owns_decrement": "true: the vendor moves its own count with its own bookings, so that what it acknowledged there is void afterwards",
    "full_sync_every_h": "in how many hours the vendor wants everything of a property sent at most once; 0 or left out: it does not mind",
    "relay_domains": "domains, and all below them, where the vendor makes up an e-mail address for one booking; guests are never merged by such an address",
    "messages_help": "what a person must do at the channel before it passes on messages",
    "webhook_help": "where in the channel's screens a person enters the address that it announces bookings to, and the secret",
    "amenities": "what the vendor calls amenities: `opentravel` where it takes that list's numbers, else tables `property` and `room` from Innsync's codes to its names",
    "own_address": "true where each installation of it has its own address, which a person enters; without one nothing is sent there",
    "notes": "one sentence for people who connect it",
    "base_urls": "the vendor's addresses by a name that calls use; an account may replace them",
    "secrets": "what an account needs, each with `label`, `help` and `optional`, or just a label",
    "limits": "the vendor's limits by a name that calls draw on; see below",
    "dialect": "which rules the vendor can express; see below",
    "missed_list": "where `list_bookings` can be what nobody acknowledged in time; see below",
    "settings": "further facts with their defaults, read by the adapter; an account or connection may replace them",
    "quality": '`done`, `todo`, or `{ exempt = "reason" }` for each promise; shown in the channels\' reference',
}
LIMIT_KEYS = {
    "calls": "how many calls",
    "per_s": "in how many seconds, whenever they begin",
    "scope": "`property` or `account`: what they are counted for",
    "reserve": "how many of the calls are kept for messages that close something",
}
MISSED_LIST_KEYS = {
    "setting": "the setting that makes it so; otherwise the second look is once a day, and acknowledges nothing",
    "every_s": "how often the vendor wants it read, in seconds; what it brings is acknowledged",
}
DIALECT_KEYS = {
    "min_stay": "the meanings of a minimum stay that it knows: `arrival`, `through`",
    "max_stay": "a longest stay",
    "closed_to_arrival": "no arrival on a night",
    "closed_to_departure": "no departure on a day",
    "stop_sell": "a product closed whatever the count",
    "occupancy_prices": "a price for each number of adults; otherwise one price",
    "max_nights": "the longest minimum or maximum stay it takes; 0 = any",
    "rate_currencies": "a currency for each rate; otherwise one for all rates of a property",
}
PORT_ORDER = (
    ports.PushAri,
    ports.ReadBack,
    ports.PullBookings,
    ports.ParseBookings,
    ports.Acknowledge,
    ports.ListBookings,
    ports.BookingWebhook,
    ports.OpenWebhook,
    ports.PushBookings,
    ports.RegisterWebhook,
    ports.TryWebhook,
    ports.Catalogue,
    ports.Messages,
)
VALUES = (
    ari.Target,
    ari.AriUpdate,
    ari.Calendar,
    ports.PropertyRef,
    ports.Push,
    ports.PushResult,
    ports.Refusal,
    ports.RawMessage,
    ports.BookingOut,
    ports.BookingTaken,
    ports.Page,
    ports.AckItem,
    ports.AckResult,
    ports.WebhookResult,
    ports.ThreadRef,
    ports.GuestMessage,
    ports.Thread,
    ports.ThreadListing,
    channel.BookingRevision,
    channel.ChannelRoomStay,
    channel.GuestDetails,
    channel.ChannelRoom,
    channel.ChannelRate,
)


def page() -> str:
    return markdown.page(
        "Adapters",
        INTRO,
        "## manifest.toml",
        _keys(KEYS),
        "### A limit",
        _keys(LIMIT_KEYS),
        "### The list of what was missed",
        _keys(MISSED_LIST_KEYS),
        "### The dialect",
        _keys(DIALECT_KEYS),
        "## Ports",
        "What goes wrong is told by the class of the error: [errors](errors.md).",
        *(_port(port) for port in PORT_ORDER),
        "## Values",
        *(_value(value) for value in VALUES),
    )


def _keys(keys: dict[str, str]) -> str:
    return markdown.table(("key", "meaning"), ((markdown.code(name), words) for name, words in keys.items()))


def _port(port: type) -> str:
    names = [name for name, known in manifest.PORTS.items() if known is port]
    head = ", ".join(markdown.code(name) for name in names) or markdown.source(port)
    methods = [
        method for _, method in inspect.getmembers(port, inspect.isfunction) if not method.__name__.startswith("_")
    ]
    methods.sort(key=lambda method: method.__code__.co_firstlineno)
    told = [f"```python\n{_signature(method)}\n```\n\n{markdown.said(method)}" for method in methods]
    return "\n\n".join([f"### {port.__name__}", f"Capability: {head}." if names else head, *told])


def _signature(method: Any) -> str:
    """As written in the code, on one line; annotations stay the strings that they are."""
    words: list[str] = []
    keyword_only = False
    for parameter in inspect.signature(method).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            words.append("*")
            keyword_only = True
        words.append(parameter.name if parameter.name == "self" else f"{parameter.name}: {parameter.annotation}")
    return f"def {method.__name__}({', '.join(words)}) -> {inspect.signature(method).return_annotation}: ..."


def _value(value: Any) -> str:
    fields = [
        (markdown.code(field.name), markdown.code(field.type), "" if _needed(field) else "may be left out")
        for field in dataclasses.fields(value)
    ]
    return "\n\n".join([f"### {value.__name__}", markdown.said(value), markdown.table(("field", "type", ""), fields)])


def _needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
