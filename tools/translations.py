"""Collect what the portal says into one catalogue a language, and compile the catalogues, with Python alone.

A sentence is marked where it stands: by gettext and its kin in Python, by translate tags in templates. Layers below the
portal know no languages: what they refuse (`InvalidField(problem=...)`) and what they write down (`told(...)`) is English,
and is told anew where it is shown; f-strings become sentences with named gaps. Translations that are there stay; a sentence
that was only reworded keeps its old translation as fuzzy, to be looked at.

Usage: translations.py [--check]   (--check writes nothing: it sees that every catalogue is complete, fitting and compiled)
"""

import argparse
import ast
import difflib
import io
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import django
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "innsync"
LOCALE = SOURCE / "portals" / "locale"
LANGUAGES = ("ja", "es")
LAYERS = ("domain", "integrations", "channels", "apps", "portals")

# Where the context, the sentence and its plural stand among the arguments; -1: nowhere.
CALLS = {
    "_": (-1, 0, -1),
    "gettext": (-1, 0, -1),
    "gettext_lazy": (-1, 0, -1),
    "gettext_noop": (-1, 0, -1),
    "told": (-1, 0, -1),
    "say": (-1, 0, -1),
    "ngettext": (-1, 0, 1),
    "ngettext_lazy": (-1, 0, 1),
    "pgettext": (0, 1, -1),
    "pgettext_lazy": (0, 1, -1),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
_LITERAL = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_IN_TEMPLATE = re.compile(rf"\b(n?p?gettext|_)\(\s*{_LITERAL}(?:\s*,\s*{_LITERAL})?(?:\s*,\s*{_LITERAL})?")
GAP = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}")


@dataclass
class Sentence:
    """Something that is said, and the files that say it."""

    text: str
    plural: str = ""
    context: str = ""
    files: set[str] = field(default_factory=set)

    @property
    def id(self) -> str | tuple[str, str]:
        return (self.text, self.plural) if self.plural else self.text


class Stable(Catalog):
    """A catalogue whose head says nothing that differs from one writing to the next."""

    def _get_mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Language", str(self.locale_identifier)),
            ("Plural-Forms", str(self.plural_forms)),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]

    mime_headers = property(_get_mime_headers, Catalog._set_mime_headers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only see that catalogues are complete and compiled")
    options = parser.parse_args()
    settings.configure(USE_I18N=True)
    django.setup()
    said = collect()
    wrong: list[str] = []
    for language in LANGUAGES:
        folder = LOCALE / language / "LC_MESSAGES"
        po, mo = folder / "django.po", folder / "django.mo"
        catalog = renew(read(po, language), said, language)
        text, compiled = written(catalog), binary(catalog)
        wrong += [f"{po.relative_to(ROOT)}: {problem}" for problem in problems(catalog)]
        if options.check:
            if not po.exists() or po.read_bytes() != text:
                wrong.append(f"{po.relative_to(ROOT)}: does not hold what is said now, run `make messages`")
            elif not mo.exists() or mo.read_bytes() != compiled:
                wrong.append(f"{mo.relative_to(ROOT)}: is not compiled from what stands beside it, run `make messages`")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            po.write_bytes(text)
            mo.write_bytes(compiled)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def collect() -> list[Sentence]:
    """All that is said, each sentence once, in a lasting order."""
    found: dict[tuple[str, str], Sentence] = {}
    for file in sorted(file for layer in LAYERS for file in (SOURCE / layer).rglob("*")):
        if {"tests", "migrations", "locale", "static", "simulation", "conformance"} & set(
            file.relative_to(SOURCE).parts
        ):
            continue
        if file.name == "manifest.toml":
            sentences = of_manifest(file.read_text("utf-8"))
        elif file.suffix == ".py" and "channels" not in file.parts:
            sentences = of_python(file.read_text("utf-8"))
        elif file.suffix in (".html", ".txt") and "templates" in file.parts:
            sentences = of_template(file.read_text("utf-8"), str(file))
        else:
            continue
        for one in sentences:
            kept = found.setdefault((one.context, one.text), one)
            if one.plural and kept.plural and kept.plural != one.plural:
                raise SystemExit(f"{file}: “{one.text}” has another plural than in {sorted(kept.files)}")
            kept.plural = kept.plural or one.plural
            kept.files.add(file.relative_to(SOURCE).as_posix())
    return [found[key] for key in sorted(found)]


def of_python(source: str) -> Iterator[Sentence]:
    tree = ast.parse(source)
    imported = (one for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for one in node.names)
    known = CALLS | {one.asname: CALLS[one.name] for one in imported if one.asname and one.name in CALLS}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in known:
            context, text, plural = (sentence_at(node, place) for place in known[name])
            if text:
                yield Sentence(text, plural, context)
        for argument in node.keywords:
            if name == "InvalidField" and argument.arg == "problem" and (text := sentence(argument.value)):
                yield Sentence(text)


def of_manifest(source: str) -> Iterator[Sentence]:
    """What a channel says of itself and of its secrets, to whoever connects it."""
    manifest = tomllib.loads(source)
    secrets = manifest.get("secrets", {}).values()
    own = (manifest.get(part, "") for part in ("notes", "webhook_help", "messages_help"))
    for text in (*own, *(one.get(part, "") for one in secrets for part in ("label", "help"))):
        if text:
            yield Sentence(text)


def sentence_at(call: ast.Call, place: int) -> str:
    return sentence(call.args[place]) if 0 <= place < len(call.args) else ""


def sentence(node: ast.expr) -> str:
    """The text of a literal; that of an f-string with `{name}` for each gap. Empty for what is only known when it runs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts: list[str] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            assert isinstance(part, ast.FormattedValue)
            parts.append(f"{{{gap(part.value)}}}")
    named = [part for part in parts if part.startswith("{")]
    if len(set(named)) < len(named):
        raise SystemExit(f"two gaps of one name: {''.join(parts)!r}")
    return "".join(parts)


def gap(value: ast.expr) -> str:
    """What to call a gap: as the variable or the attribute that fills it."""
    if isinstance(value, ast.Name):
        return value.id.lower().strip("_")
    if isinstance(value, ast.Attribute):
        return value.attr.lower().strip("_")
    if isinstance(value, ast.Subscript):
        return gap(value.value)
    if isinstance(value, ast.Call) and value.args:
        return gap(value.args[-1])
    return "value"


def of_template(source: str, name: str) -> Iterator[Sentence]:
    for found in _IN_TEMPLATE.finditer(templatize(source, origin=name)):
        given = [ast.literal_eval(one) if one else "" for one in found.groups()[1:]]
        context, text, plural = ("" if place < 0 else given[place] for place in CALLS[found[1]])
        yield Sentence(text, plural, context)


def read(file: Path, language: str) -> Catalog:
    if not file.exists():
        return Catalog(locale=language)
    with file.open("rb") as stream:
        return read_po(stream, locale=language)


def renew(old: Catalog, said: list[Sentence], language: str) -> Catalog:
    """The catalogue of what is said now, with the translations that there are."""
    catalog = Stable(
        locale=language, header_comment=f"# Innsync in {old.locale.english_name if old.locale else language}."
    )
    catalog.fuzzy = False
    now = {(one.context, one.text) for one in said}
    gone = {
        (message.context or "", of_one(message.id)): message
        for message in old
        if message.id and (message.context or "", of_one(message.id)) not in now and complete(message.string)
    }
    for one in said:
        known = old.get(one.text, one.context or None)
        string, flags = (known.string, set(known.flags) & {"fuzzy"}) if known else ("", set())
        if known and bool(one.plural) != isinstance(known.id, (tuple, list)):
            string = ""
        if not known and not one.plural:
            near = difflib.get_close_matches(
                one.text, [text for context, text in gone if context == one.context], 1, 0.75
            )
            if near and isinstance(gone[one.context, near[0]].string, str):
                string, flags = gone[one.context, near[0]].string, {"fuzzy"}
        catalog.add(
            one.id,
            string or (("",) * catalog.num_plurals if one.plural else ""),
            locations=[(name, 0) for name in sorted(one.files)],
            flags=sorted(flags),
            context=one.context or None,
        )
    return catalog


def of_one(text: str | tuple[str, ...] | list[str]) -> str:
    return text if isinstance(text, str) else text[0]


def complete(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(string) if string is None or isinstance(string, str) else bool(string) and all(string)


def problems(catalog: Catalog) -> Iterator[str]:
    """What a person would see in English, or would see broken."""
    for message in catalog:
        if not message.id:
            continue
        text = of_one(message.id)
        if not complete(message.string):
            yield f"no translation of “{text}”"
        elif message.fuzzy:
            yield f"to be looked at, as the sentence was reworded: “{text}”"
        else:
            forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
            plural = text if isinstance(message.id, str) else message.id[1]
            for form in forms:
                # A singular may leave its number out: "one room" needs no 1.
                if gaps(form) != gaps(plural) and not (
                    len(forms) > 1 and form is forms[0] and gaps(form) <= gaps(plural)
                ):
                    yield f"other gaps than in “{text}”: “{form}”"
                if not message.context and (text[:1].isspace(), text[-1:].isspace()) != (
                    form[:1].isspace(),
                    form[-1:].isspace(),
                ):
                    yield f"other spaces around it than in “{text}”: “{form}”"


def gaps(text: str) -> set[str]:
    return {one or other for one, other in GAP.findall(text)}


def written(catalog: Catalog) -> bytes:
    stream = io.BytesIO()
    write_po(stream, catalog, width=120, sort_output=True, include_lineno=False)
    return stream.getvalue()


def binary(catalog: Catalog) -> bytes:
    stream = io.BytesIO()
    write_mo(stream, catalog)
    return stream.getvalue()


if __name__ == "__main__":
    sys.exit(main())
