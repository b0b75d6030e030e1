"""Compile the requirement files from pyproject.toml: every version pinned, every file hashed, no index named.

The files must work behind any index or mirror, so no address of one may appear in them.
Usage: requirements.py --uv .venv/bin/uv [--upgrade], or requirements.py --check
"""

import argparse
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = "3.11"
FILES = {
    # The build backend is pinned too: the project itself is installed without build isolation.
    "requirements.txt": ["--extra", "build"],
    "requirements-dev.txt": ["--extra", "build", "--extra", "dev", "--constraint", "requirements.txt"],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--uv", default="uv")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    parser.add_argument("--check", action="store_true", help="only see that nothing named in pyproject.toml is missing")
    options = parser.parse_args()
    if options.check:
        refuse_missing()
        return 0
    for name, arguments in FILES.items():
        compile_file(uv=options.uv, name=name, arguments=arguments, upgrade=options.upgrade)
        refuse_addresses(ROOT / name)
    return 0


def compile_file(*, uv: str, name: str, arguments: list[str], upgrade: bool) -> None:
    command = [uv, "pip", "compile", "pyproject.toml", *arguments, "--output-file", name, "--quiet"]
    command += ["--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes"]
    command += ["--no-header", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-config"]
    subprocess.run([*command, "--upgrade"] if upgrade else command, check=True, cwd=ROOT)


def refuse_missing() -> None:
    """Without a network: every dependency is pinned where it belongs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {
        "requirements.txt": project["dependencies"] + extras["build"],
        "requirements-dev.txt": project["dependencies"] + extras["build"] + extras["dev"],
    }
    for name, dependencies in wanted.items():
        pinned = {canonical(line) for line in (ROOT / name).read_text("utf-8").splitlines() if "==" in line}
        missing = sorted({canonical(dependency) for dependency in dependencies} - pinned)
        if missing:
            sys.exit(f"{name} lacks {', '.join(missing)}: run `make requirements`.")


def canonical(requirement: str) -> str:
    """The name alone, as packages are compared (PEP 503)."""
    name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0].split("==")[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def refuse_addresses(path: Path) -> None:
    found = [line for line in path.read_text().splitlines() if "://" in line or line.startswith("--")]
    if found:
        sys.exit(f"{path.name} names an address: {found[0]}")


if __name__ == "__main__":
    sys.exit(main())
