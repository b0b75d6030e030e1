"""Refusals of the business, faults of outside systems, and the problem documents that the API makes of them."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import innsync
from innsync.domain.errors import DomainError
from innsync.integrations.errors import IntegrationError
from innsync.ops.docs import markdown

PROBLEMS = """## Problem documents

What the API answers when it says no: [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) documents (`application/problem+json`) with
`type`, `title`, `status`, `detail`, `instance` (the request's id, also in the log) and, for bad fields, `errors` with a JSON Pointer each.
`type` is stable; build on it, not on the words."""
REFUSALS = """## Business refusals

An answer, not a fault. The fields are what the refusal carries."""
FAULTS = """## Errors of outside systems

The one family that an adapter lets out. The class says what happens next, so that nobody has to read the vendor's code for it."""
E = TypeVar("E")
SKIPPED = {"tests", "migrations", "template"}


def page() -> str:
    kinds = problem_kinds()
    answers = answers_by_error()
    return markdown.page(
        "Errors",
        PROBLEMS,
        markdown.table(
            ("type", "status", "title"),
            ((markdown.code(f"/problems/{kind}"), str(status), title) for kind, status, title in kinds),
        ),
        REFUSALS,
        markdown.table(
            ("error", "fields", "meaning", "the API answers"),
            (
                (
                    markdown.code(error.__name__),
                    ", ".join(markdown.code(name) for name in error.__dataclass_fields__),
                    markdown.source(error),
                    ", ".join(markdown.code(kind) for kind in answers.get(error.__name__, [])),
                )
                for error in domain_errors()
            ),
        ),
        "An error without an entry in the last column does not arise from a request of the API, or is answered `refused`.",
        FAULTS,
        markdown.table(
            ("error", "is a", "what happens next"),
            (
                (markdown.code(error.__name__), markdown.code(error.__bases__[0].__name__), markdown.source(error))
                for error in integration_errors()
            ),
        ),
    )


def domain_errors() -> list[type[DomainError]]:
    _import_all("innsync.domain", "innsync.apps")
    return sorted(_heirs(DomainError), key=lambda error: error.__name__)


def integration_errors() -> list[type[IntegrationError]]:
    _import_all("innsync.integrations")
    return [IntegrationError, *sorted(_heirs(IntegrationError), key=lambda error: error.__name__)]


def _import_all(*packages: str) -> None:
    for package in packages:
        root = importlib.import_module(package)
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not SKIPPED & set(found.name.split(".")) and "conformance" not in found.name:
                importlib.import_module(found.name)


def _heirs(base: type[E]) -> Iterator[type[E]]:
    for heir in base.__subclasses__():
        if heir.__module__.startswith("innsync.") and not SKIPPED & set(heir.__module__.split(".")):
            yield heir
            yield from _heirs(heir)


# The API stands beside this package, not below it: its table is read, not imported.


def _api_trees() -> list[ast.Module]:
    folder = Path(innsync.__file__).parent / "api"
    return [ast.parse(path.read_text("utf-8")) for path in sorted(folder.glob("*.py"))]


def _problems(tree: ast.AST) -> Iterator[tuple[str, int, str]]:
    """(kind, status, title) of every `Problem(status, kind, title, ...)` written out below the node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
            values = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            if len(values) >= 3:
                yield str(values[1]), int(str(values[0])), str(values[2])


def problem_kinds() -> list[tuple[str, int, str]]:
    found = {kind: (kind, status, title) for tree in _api_trees() for kind, status, title in _problems(tree)}
    return sorted(found.values(), key=lambda one: (one[1], one[0]))


def answers_by_error() -> dict[str, list[str]]:
    """The kinds of problem behind each line of the API's table of errors."""
    for tree in _api_trees():
        makers = {
            node.name: sorted({kind for kind, _, _ in _problems(node)})
            for node in tree.body
            if isinstance(node, ast.FunctionDef)
        }
        for node in tree.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "TABLE":
                return {name: _kinds(how, makers) for name, how in _lines(node.value)}
    return {}


def _lines(table: ast.expr | None) -> Iterator[tuple[str, ast.expr]]:
    for line in table.elts if isinstance(table, ast.List) else []:
        if isinstance(line, ast.Tuple) and isinstance(line.elts[0], ast.Name):
            yield line.elts[0].id, line.elts[1]


def _kinds(how: ast.expr, makers: dict[str, list[str]]) -> list[str]:
    found = {kind for kind, _, _ in _problems(how)}
    for node in ast.walk(how):
        if isinstance(node, ast.Name):
            found.update(makers.get(node.id, []))
    return sorted(found)
