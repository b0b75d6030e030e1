"""Laying out the folder of a new channel from `template/`, which is itself a channel: checked and typed like any other.

Three names in the template are replaced: `new_channel` (package and key), `NewChannel` (class), `New Channel` (title).
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from innsync.ops.refusal import Refusal, of_os_error

TEMPLATE = Path(__file__).parent / "template"
IGNORED = {"__pycache__"}


def title_of(name: str) -> str:
    """`acme_travel` -> `Acme Travel`."""
    return " ".join(word.capitalize() for word in name.split("_"))


def lay_out(*, name: str, parent: Path, title: str = "") -> list[Path]:
    """Write the folder `parent/name`. Answers its files. Raises Refusal for a bad name or a folder that is there already."""
    check_name(name)
    if '"' in title or "\\" in title or not title.isprintable():
        raise Refusal("A title holds neither quotes nor backslashes nor line breaks.")
    target = parent / name
    if target.exists():
        raise Refusal(f"{target} is there already: choose another name, or remove it.")
    try:
        return [
            _copy(source, target / source.relative_to(TEMPLATE), name, title or title_of(name)) for source in _files()
        ]
    except OSError as error:
        raise of_os_error(error, place=target) from error


def check_name(name: str) -> None:
    """Raises Refusal for a name that is no plain package name."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name) or len(name) > 40:
        raise Refusal(
            f"{name!r} is no name for a channel: up to 40 lower-case letters, digits and single underscores,"
            " as in acme_travel."
        )


def _files() -> list[Path]:
    return sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and not IGNORED & set(path.parts))


def _copy(source: Path, target: Path, name: str, title: str) -> Path:
    class_name = "".join(word.capitalize() for word in name.split("_"))
    text = source.read_text("utf-8")
    text = text.replace("new_channel", name).replace("NewChannel", class_name).replace("New Channel", title)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, "utf-8")
    return target
