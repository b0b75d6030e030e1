"""Lay out the browser files of other projects that the portals serve, exactly as assets.toml names them.

Packages come from whatever index npm is set up with; their digests are checked, and no address is kept.
Usage: assets.py [--check]   (--check fetches nothing: it sees that what is laid out is what is named)
"""

import argparse
import base64
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tools" / "assets.toml"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only see that the files laid out are those named")
    options = parser.parse_args()
    named = tomllib.loads(LIST.read_text("utf-8"))
    folder = ROOT / named["folder"]
    if options.check:
        return check(folder, named["package"])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    texts = []
    for package in named["package"]:
        laid, licence = contents(package)
        texts.append(f"{package['name']} {package['version']}: {package['license']}\n\n{licence}")
        for name, content in laid.items():
            (folder / name).write_bytes(content)
    (folder / "README.md").write_text(readme(folder, named["package"]), "utf-8")
    (folder / "LICENSES.txt").write_text("\n".join(texts), "utf-8")
    return 0


def contents(package: dict[str, Any]) -> tuple[dict[str, bytes], str]:
    """The files to lay out by name, and the licence's text (empty where a file carries it in its head).

    Raises SystemExit for a package that is not the one named.
    """
    with tempfile.TemporaryDirectory() as place:
        command = ["npm", "pack", "--silent", f"{package['name']}@{package['version']}", "--pack-destination", place]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        archive = next(Path(place).glob("*.tgz")).read_bytes()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if digest != package["integrity"]:
        raise SystemExit(f"{package['name']} {package['version']} is not the package that assets.toml names: {digest}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:

        def read(path: str) -> bytes:
            member = tar.extractfile(f"package/{path}")
            assert member is not None, path
            return member.read()

        laid = {to: without_map(read(path)) for path, to in package.get("files", {}).items()}
        if "sprite" in package:
            icons = {name: read(f"icons/outline/{name}.svg").decode() for name in sorted(set(package["icons"]))}
            laid[package["sprite"]] = sprite(icons).encode()
        licence = read("LICENSE").decode() if "package/LICENSE" in tar.getnames() else ""
    return laid, licence


def without_map(content: bytes) -> bytes:
    """Without the pointer to a source map, which is not laid out."""
    return re.sub(rb"\n?(/\*|//)# sourceMappingURL=\S+( \*/)?\s*$", b"\n", content)


def sprite(icons: dict[str, str]) -> str:
    """One SVG with a symbol for each icon, to be drawn in the colour of the text around it."""
    lines = ['<svg xmlns="http://www.w3.org/2000/svg">']
    for name, text in icons.items():
        shapes = "".join(re.findall(r"<(?:path|circle|rect|line)\b[^>]*/>", text))
        lines.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"'
            f' stroke-linecap="round" stroke-linejoin="round">{shapes}</symbol>'
        )
    return "\n".join([*lines, "</svg>", ""])


def readme(folder: Path, packages: list[dict[str, Any]]) -> str:
    lines = ["Files of other projects, unchanged but for source map pointers; `make assets` lays them out anew.", ""]
    for package in packages:
        for name in [*package.get("files", {}).values(), *filter(None, [package.get("sprite")])]:
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            lines.append(f"- {name}: {package['name']} {package['version']} ({package['license']}), sha256 {digest}")
    return "\n".join([*lines, ""])


def check(folder: Path, packages: list[dict[str, Any]]) -> int:
    """1 when a file is missing or is not the one that was laid out."""
    if (folder / "README.md").read_text("utf-8") == readme(folder, packages):
        return 0
    print(f"{folder.relative_to(ROOT)} is not what tools/assets.toml names: run `make assets`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
