"""The steps of docs/howto/back-up-and-restore.md that bring the embedded database back to a moment, tried."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from innsync.ops import postgres_place as place
from innsync.ops.postgres import EmbeddedPostgres

PAGE = Path(__file__).parent.parent.parent / "docs" / "howto" / "back-up-and-restore.md"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="innsync-pitr-") as made:
        Path(made).chmod(0o755)  # the server runs as another user when the tests run as root
        yield Path(made)


def own(path: Path, account: place.Account) -> Path:
    place.own_folder(path, account)
    return path


def said(text: str, folder: Path) -> str:
    """The page's settings, with its folders in ours."""
    lines = [line.strip() for line in PAGE.read_text("utf-8").splitlines() if line.strip().startswith(text)]
    assert len(lines) == 1, lines
    return lines[0].replace("/srv/innsync", str(folder))


def note(server: EmbeddedPostgres, number: int) -> str:
    """Write a row; answers a moment after it."""
    with server.connect() as database:
        database.execute("CREATE TABLE IF NOT EXISTS noted (number int)")
        database.execute("INSERT INTO noted VALUES (%s)", (number,))
        (moment,) = database.execute("SELECT (clock_timestamp() + interval '50 ms')::text").fetchone() or ("",)
    time.sleep(0.2)
    return str(moment)


def test_what_was_there_at_a_moment_is_brought_back_and_nothing_after_it(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "data")
    server.start()
    account = place.server_account((folder / "data" / "postgres").resolve())
    own(folder / "archive", account)
    cluster = (folder / "data" / "postgres").resolve()
    archiving = ("archive_mode", "archive_command", "archive_timeout")
    (cluster / "custom.conf").write_text("\n".join(said(name, folder) for name in archiving) + "\n", "utf-8")
    server.stop()
    server.start()  # archiving begins with a start
    try:
        base = own(folder / "base", account)
        where = ("-h", str(server.socket_folder), "-U", "postgres", "-D", str(base), "-c", "fast", "-X", "stream")
        place.run_as(account, [str(server.programs / "pg_basebackup"), *where])
        moment = note(server, 1)
        note(server, 2)
        with server.connect() as database:
            database.execute("SELECT pg_switch_wal()")
    finally:
        server.stop()
    back = folder / "back"
    back.mkdir()
    back.chmod(0o755)
    shutil.copytree(base, back / "postgres", symlinks=True)
    for path in [back / "postgres", *(back / "postgres").rglob("*")]:
        shutil.chown(path, account.uid, account.gid)
    (back / "postgres" / "recovery.signal").touch()
    wanted = said("recovery_target_time", folder).partition("=")[0]
    lines = [said("restore_command", folder), f"{wanted}= '{moment}'", said("recovery_target_action", folder)]
    (back / "postgres" / "custom.conf").write_text("\n".join(lines) + "\n", "utf-8")
    with EmbeddedPostgres(back) as restored, restored.connect() as database:
        assert database.execute("SELECT number FROM noted").fetchall() == [(1,)]
        assert database.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
