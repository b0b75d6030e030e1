"""The pages that people wrote: links lead somewhere, commands exist, promises of the README are kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from innsync.ops import cli
from innsync.ops.cli import catalogue
from tests.docs.pages import DOCS, PAGES, ROOT, blocks, commands, name_of

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
# What is said of things that are not done: what is not there is left out, or listed as not there.
FORBIDDEN = re.compile(r"\b(?:TODO|FIXME|[Ll]orem ipsum|[Cc]oming soon)\b")
KINDS = ("tutorial", "howto", "explanation", "reference", "adr")
PAGE = pytest.mark.parametrize("page", PAGES, ids=name_of)


@PAGE
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert found.is_relative_to(ROOT), target
        if anchor:
            assert anchor in headings(found), target


def headings(page: Path) -> set[str]:
    """The anchors that a page's headings get."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@PAGE
def test_nothing_is_said_that_does_not_belong_here(page: Path) -> None:
    assert FORBIDDEN.findall(page.read_text("utf-8")) == []


@PAGE
def test_a_page_has_one_title_and_it_stands_first(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


def test_every_page_is_of_one_kind_and_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for target in LINK.findall(page.read_text("utf-8")):
            if not target.startswith("http"):
                waiting.append((page.parent / target.partition("#")[0]).resolve())
    for page in DOCS.rglob("*.md"):
        assert page.relative_to(DOCS).parts[0] in KINDS
        assert page in reached, f"{name_of(page)} is linked from nowhere"


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name in ("howto", "tutorial")], ids=name_of)
def test_a_page_that_types_innsync_says_once_where_it_is(page: Path) -> None:
    text = page.read_text("utf-8")
    types_it = re.search(r"(?:^ +|`)innsync [a-z]", text, re.MULTILINE) is not None
    assert text.count("`innsync` is `.venv/bin/innsync` in the clone.") == int(types_it)


def test_the_readme_shows_how_to_start_and_how_to_test() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert "make up" in text
    assert "make test" in text
    assert "What works today" in text
    assert "not yet" in text


def test_pictures_are_small_and_used() -> None:
    used = {Path(target).name for page in PAGES for target in LINK.findall(page.read_text("utf-8"))}
    pictures = list((DOCS / "images").iterdir())
    assert any(picture.suffix == ".png" for picture in pictures)
    for picture in pictures:
        assert picture.stat().st_size < 300_000
        assert picture.name in used


def test_the_picture_of_the_design_suits_light_and_dark_pages() -> None:
    text = (DOCS / "images" / "one-idea.svg").read_text("utf-8")
    assert "prefers-color-scheme: dark" in text
    assert "<title" in text
    assert "<script" not in text


# Commands


def lines_with(word: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        lines = [*commands(page), *(line for block in blocks(page, "sh") for line in block.splitlines())]
        lines += re.findall(r"`((?:\.venv/bin/)?(?:innsync|make) [^`]+)`", page.read_text("utf-8"))
        found += [(name_of(page), line.strip()) for line in lines if re.search(rf"(?:^|[ /]){word} ", line)]
    return found


def test_every_innsync_command_in_the_pages_exists() -> None:
    checked = 0
    for page, line in lines_with("innsync"):
        match = re.search(r"(?:^|/bin/|[A-Z_]+=\S+ )innsync ([a-z-]+)(.*)$", line)
        if not match:
            continue
        name, rest = match.groups()
        if name.startswith("--"):
            continue
        assert name in catalogue(), (page, line)
        known = cli.build_parser(cli.load(name))
        for option in re.findall(r"(?<=\s)(--[a-z-]+)", rest):
            assert option in options_below(known), (page, line, option)
        checked += 1
    assert checked > 20


def options_below(parser: object) -> set[str]:
    """Every option of a parser and of the parsers below it."""
    import argparse

    assert isinstance(parser, argparse.ArgumentParser)
    found: set[str] = set()
    for action in parser._actions:
        found.update(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                found |= options_below(child)
    return found


def test_every_make_target_in_the_pages_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {(page, target) for page, line in lines_with("make") for target in re.findall(r"\bmake ([a-z-]+)", line)}
    named = {(page, target) for page, target in named if target in targets or not page.startswith("docs/reference")}
    assert {"up", "test", "new-channel"} <= {target for _, target in named}
    assert [one for one in named if one[1] not in targets] == []
