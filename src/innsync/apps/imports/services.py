"""A file of bookings from being sent to being imported, and taken back again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from procrastinate.tasks import Task

from innsync.apps.events.jobs import LATER, enqueue
from innsync.apps.imports import ota, planning, reading, tasks
from innsync.apps.imports.columns import FIELDS
from innsync.apps.imports.files import NotImportable, table_of, without_cards, written
from innsync.apps.imports.models import BookingImport, FileLayout, SaidOfBooking
from innsync.apps.imports.reading import KINDS, Here, Reading
from innsync.apps.properties.models import Property
from innsync.apps.setup.sheets import Problems
from innsync.domain.card_data import scrub_text
from innsync.domain.errors import DomainError
from innsync.domain.wording import told
from innsync.domain.written_days import DayOrder

MOST_SYSTEMS = 50


@dataclass(eq=False)
class UnreadableFile(DomainError):
    """The file is no table, and no OpenTravel message, that could be imported. `line`: where it is wrong, from 1."""

    line: int
    column: str
    words: str


def send(*, prop: Property, content: bytes, file_name: str, now: datetime, actor: str) -> BookingImport:
    """Keep a file, card data cut out, for a look at what it would do. Raises UnreadableFile; then nothing is kept."""
    if len(content) > reading.LARGEST_FILE:
        megabytes = reading.LARGEST_FILE // 1_000_000
        raise UnreadableFile(line=1, column="", words=told(f"is larger than {megabytes} MB"))
    problems = Problems()
    kind = "ota" if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "csv"
    table = ota.read_message(content, problems) if kind == "ota" else reading.read_table(content, problems)
    for problem in problems.found[:1]:
        raise UnreadableFile(line=problem.line, column=problem.column, words=problem.words)
    table = without_cards(table)
    here = planning.look_around(prop)
    kept = FileLayout.objects.filter(property=prop, headings=table.digest).first()
    if kept is None:
        read = reading.guess(table, here)
        read.system = ota.SYSTEM if kind == "ota" else read.system
    else:
        read = Reading.from_json(kept.settings)
        reading.fill_words(read, table, here)
    return BookingImport.objects.create(
        organization_id=prop.organization_id,
        property=prop,
        file_name=scrub_text(file_name)[:100],
        kind=kind,
        content=written(table),
        settings=read.to_json(),
        system=read.system,
        by=actor[:120],
        created_at=now,
    )


def correct(*, found: BookingImport, said: Mapping[str, str], here: Here) -> Reading:
    """Read the file as a person says. said: `column-FIELD` its place, `order`, `sign`, `plan`, `system`, and by
    `KIND-PLACE` what a word of the file stands for; what is missing or makes no sense stays as it was.
    """
    read, table = Reading.from_json(found.settings), table_of(found)
    words = {kind: reading.words_of(table, read, kind) for kind in KINDS}
    columns = {name: said.get(f"column-{name}", str(read.columns.get(name, ""))) for name in FIELDS}
    read.columns = reading.clean_columns(columns, len(table.headings))
    if (order := said.get("order", "")) in {one.value for one in DayOrder}:
        read.sure = True
        read.order = DayOrder(order)
    if said.get("sign", read.sign) in ("", ".", ","):
        read.sign = said.get("sign", read.sign)
    if here.allowed("rate_plan", said.get("plan", "")) and said.get("plan"):
        read.plan = said["plan"]
    read.system = _as_known(found, said.get("system", "").strip()[:60]) or read.system
    for kind, every in words.items():
        for place, word in enumerate(every):
            target = said.get(f"{kind}-{place}")
            if target is not None and (target == "" or here.allowed(kind, target)):
                read.words[kind][word] = target
    reading.fill_words(read, table, here)
    found.settings, found.system = read.to_json(), read.system
    found.save(update_fields=["settings", "system"])
    return read


def list_systems(*, property_id: UUID) -> list[str]:
    """What bookings were imported from so far. In a tenant transaction."""
    said = SaidOfBooking.objects.filter(property_id=property_id)
    return list(said.order_by("system").values_list("system", flat=True).distinct()[:MOST_SYSTEMS])


def _as_known(found: BookingImport, system: str) -> str:
    """The name as it was written the first time: in other letters it would be another system, and its bookings new ones."""
    known = {one.casefold(): one for one in list_systems(property_id=found.property_id)}
    return known.get(system.casefold(), system)


def start(*, import_id: UUID, now: datetime, actor: str) -> BookingImport:
    """Let the file be imported behind the scenes, and files with the same headings be read alike from now on.

    Raises NotImportable.
    """
    found = BookingImport.objects.select_for_update().get(id=import_id)
    if found.state != "draft":
        raise NotImportable(state=found.state)
    table = table_of(found)
    FileLayout.objects.update_or_create(
        organization_id=found.organization_id,
        property_id=found.property_id,
        headings=table.digest,
        defaults={"settings": found.settings},
    )
    found.state, found.started_at, found.by = "running", now, actor[:120]
    found.save(update_fields=["state", "started_at", "by"])
    _enqueue(found, tasks.import_bookings)
    return found


def undo(*, import_id: UUID, now: datetime, actor: str) -> BookingImport:
    """Take back behind the scenes what the import did, as far as nobody changed it since. Raises NotImportable."""
    found = BookingImport.objects.select_for_update().get(id=import_id)
    if found.state != "done":
        raise NotImportable(state=found.state)
    found.state, found.undone_at, found.undone_by, found.done = "undoing", now, actor[:120], 0
    found.save(update_fields=["state", "undone_at", "undone_by", "done"])
    _enqueue(found, tasks.undo_import)
    return found


def _enqueue(found: BookingImport, task: Task[..., None, ...]) -> None:
    enqueue(
        task,
        lock=f"imports:{found.property_id}",
        priority=LATER,
        organization_id=found.organization_id,
        import_id=found.id,
    )
