"""Every text that a template shows is marked for translation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType

import innsync.portals

TEMPLATES = Path(innsync.portals.__file__).parent / "templates"
# Names, and terms of the field that every language keeps.
SAME_EVERYWHERE = {"Innsync", "ADR", "RevPAR", "CTA", "CTD", "UTC", "CSV"}
SHOWN = {"aria-label", "aria-description", "title", "placeholder", "alt", "data-label"}
_WITHIN_A_TAG = re.compile(r'^\s*[\w-]+="[^"<>]*"')
_WORD = re.compile(r"[^\W\d_]{2,}")
# Addresses, and what a header of a protocol is called.
_NO_WORDS = re.compile(r"https?://\S+|\bwebhook-id\b")


class _Shown(HTMLParser):
    """Collects what a person reads or hears of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code += tag in ("code", "pre", "script", "style")
        for name, value in attrs:
            if value and (name in SHOWN or name.startswith("data-say")):
                self.found.append(value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("code", "pre", "script", "style")

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.found.append(data)


def bare_words(source: str) -> list[str]:
    """The words of a template that stand outside of every tag."""
    parts, marked = [], False
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            kind = token.contents.split()[0]
            marked = kind == "blocktranslate" or (marked and kind != "endblocktranslate")
        if token.token_type == TokenType.TEXT and not marked:
            parts.append(_WITHIN_A_TAG.sub("", token.contents))
        elif token.token_type != TokenType.COMMENT:
            parts.append("0")  # something of which no word is known, also within an attribute
    words = (word for text in what_is_shown("".join(parts)) for word in _WORD.findall(_NO_WORDS.sub("", text)))
    return [word for word in words if word not in SAME_EVERYWHERE]


def what_is_shown(page: str) -> list[str]:
    """Every text and label of a page, code aside."""
    shown = _Shown()
    shown.feed(page)
    shown.close()
    return shown.found


def _templates() -> Iterator[Path]:
    yield from sorted(file for kind in ("*.html", "*.txt") for file in TEMPLATES.rglob(kind))


@pytest.mark.parametrize("file", [pytest.param(one, id=one.relative_to(TEMPLATES).as_posix()) for one in _templates()])
def test_a_template_holds_no_words_outside_of_its_tags(file):
    assert bare_words(file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>Rooms {{ count }}</p>", ["Rooms"]),
        ('<p>{% translate "Rooms" %} {{ count }}</p>', []),
        ("<p>{% blocktranslate %}{{ count }} rooms{% endblocktranslate %}</p> left", ["left"]),
        ('<input placeholder="Name" class="form-control">', ["Name"]),
        ('<b class="good">{# a note #}</b><code>code</code>', []),
    ],
)
def test_words_are_found_wherever_a_person_meets_them(source, words):
    assert bare_words(source) == words
