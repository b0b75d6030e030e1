"""Make the project's virtual environment: once, and again only when a requirement file changed.

Standard library only, since it runs before anything is installed. Usage: environment.py [--dev] [--venv DIR]
"""

import argparse
import contextlib
import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 14)


class CannotSetUp(Exception):
    """The reason, as one sentence for a person."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dev", action="store_true", help="add what tests and checks need")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    options = parser.parse_args()
    try:
        refuse_unfit_python()
        with one_at_a_time(options.venv):
            prepare(venv=options.venv, requirements=requirement_files(dev=options.dev))
    except CannotSetUp as reason:
        print(f"innsync: {reason}", file=sys.stderr)
        return 1
    return 0


def refuse_unfit_python() -> None:
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        found = ".".join(map(str, sys.version_info[:3]))
        raise CannotSetUp(
            f"Python 3.{OLDEST[1]} to 3.{NEWEST[1]} is needed and this is {found}: "
            "name another one, as in `make setup PYTHON=python3.12`."
        )


def requirement_files(*, dev: bool) -> list[Path]:
    files = [ROOT / "requirements.txt"]
    return [*files, ROOT / "requirements-dev.txt"] if dev else files


def prepare(*, venv: Path, requirements: list[Path]) -> None:
    stamps = {stamp_of(venv, file): fingerprint(file) for file in requirements}
    if all(stamp.is_file() and stamp.read_text() == wanted for stamp, wanted in stamps.items()):
        return
    create(venv)
    python = str(venv / "bin" / "python")
    print("Installing what Innsync needs; this happens once.", file=sys.stderr, flush=True)
    wanted = [argument for file in requirements for argument in ("--requirement", str(file))]
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", *wanted])
    run(
        [
            *f"{python} -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e".split(),
            str(ROOT),
        ]
    )
    for stamp, content in stamps.items():
        stamp.write_text(content)


def stamp_of(venv: Path, requirements: Path) -> Path:
    return venv / f".installed-{requirements.stem}"


def fingerprint(requirements: Path) -> str:
    """Changes with the requirements, with our own entry points, and with the interpreter behind the environment."""
    parts = [requirements.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), sys.version.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def create(venv: Path) -> None:
    works = (
        subprocess.run([venv / "bin" / "python", "-m", "pip", "--version"], capture_output=True)
        if (venv / "bin" / "python").exists()
        else None
    )
    if works is not None and works.returncode == 0:
        return
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], capture_output=True, text=True)
    if made.returncode != 0:
        if "ensurepip" in made.stdout + made.stderr:
            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            raise CannotSetUp(
                f"This Python comes without its `venv` part: install it (on Debian and Ubuntu `apt install python{version}-venv`)."
            )
        raise CannotSetUp(f"Making {venv} failed: {last_line(made.stderr or made.stdout)}")


def run(command: list[str]) -> None:
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        raise CannotSetUp(f"Installing failed: {last_line(done.stderr)}")


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason was given."


@contextlib.contextmanager
def one_at_a_time(venv: Path) -> Iterator[None]:
    """Two `make` at once must not install into the same folder."""
    with (venv.parent / f"{venv.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
