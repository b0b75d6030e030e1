"""What can be set, called, refused or declared is documented, and the generated pages are what the code says."""

from __future__ import annotations

import dataclasses
import re

import pytest
from django.conf import settings

from innsync.integrations import manifest
from innsync.ops import cli
from innsync.ops.cli import catalogue, main
from innsync.ops.docs import adapters, channels, data_model, errors
from innsync.ops.docs.pages import PAGES, pages
from tests.docs.pages import DOCS

REFERENCE = DOCS / "reference"


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_what_the_code_says(name: str, written: dict[str, str]) -> None:
    assert (REFERENCE / name).read_text("utf-8") == written[name], "run `make docs`"


def test_the_check_tells_a_stale_page_and_writing_mends_it(tmp_path, capsys) -> None:
    arguments = ["docs", "--to", str(tmp_path)]
    assert main([*arguments, "--check"]) == 1
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    (tmp_path / "settings.md").write_text("old")
    capsys.readouterr()
    assert main([*arguments, "--check"]) == 1
    assert "settings.md" in capsys.readouterr().out


def test_every_setting_is_documented_with_a_meaning(written: dict[str, str]) -> None:
    for name, (_, meaning) in settings.SETTINGS.items():
        assert f"| `{name}` |" in written["settings.md"]
        assert len(meaning) > 10, name


def test_every_setting_that_the_code_reads_is_in_the_list() -> None:
    source = "\n".join(
        path.read_text("utf-8") for path in (DOCS.parent / "src").rglob("*.py") if "tests" not in path.parts
    )
    read = set(re.findall(r"""environ(?:\.get\(|\[)["'](INNSYNC_\w+|DATABASE_\w+)["']""", source))
    # What Innsync's own processes tell one another is nobody's to set.
    inner = {"INNSYNC_MIGRATING", "INNSYNC_PROCESS", "INNSYNC_SANDBOX_STATE"}
    assert read - inner <= set(settings.SETTINGS)


def test_every_command_and_option_is_documented(written: dict[str, str]) -> None:
    page = written["commands.md"]
    assert catalogue()
    for name, summary in catalogue().items():
        assert f"## `innsync {name}`" in page
        assert summary
        for option in re.findall(r"(--[a-z-]+)", cli.build_parser(cli.load(name)).format_help()):
            assert option in page or option in ("--help", "--version"), (name, option)


def test_every_option_has_words(written: dict[str, str]) -> None:
    bare = re.findall(r"^\| `(--[^`]+)` \|\s*\|$", written["commands.md"], re.MULTILINE)
    assert set(bare) <= KNOWN_BARE


# Options whose name says all.
KNOWN_BARE = {"--expires-in-days N", "--calls-per-minute N", "--name NAME"}


def test_every_capability_is_explained_and_has_its_port(written: dict[str, str]) -> None:
    assert set(channels.CAPABILITIES) == set(manifest.PORTS)
    assert set(manifest.PORTS.values()) <= set(adapters.PORT_ORDER)
    for name in manifest.PORTS:
        assert f"| `{name}` |" in written["channels.md"]
        assert f"`{name}`" in written["adapters.md"]


def test_every_key_of_a_manifest_is_explained() -> None:
    fields = {field.name for field in dataclasses.fields(manifest.Manifest)} - {"package"}
    assert set(adapters.KEYS) == fields
    limit = {field.name for field in dataclasses.fields(manifest.Limit)} - {"name"}
    assert set(adapters.LIMIT_KEYS) == limit
    assert set(adapters.DIALECT_KEYS) == {field.name for field in dataclasses.fields(manifest.Dialect)}


def test_every_channel_is_listed_with_its_limits_and_credentials(written: dict[str, str]) -> None:
    found = channels.own_manifests()
    assert {"booking_com", "channex", "expedia"} <= {one.key for one in found}
    for one in found:
        assert f"### {one.name}" in written["channels.md"]
        for name in [*one.limits, *(secret.name for secret in one.secrets), *one.settings]:
            assert f"| `{name}` |" in written["channels.md"], (one.key, name)


def test_every_error_is_documented_in_words_of_its_own(written: dict[str, str]) -> None:
    found = [*errors.domain_errors(), *errors.integration_errors()]
    assert {"SoldOut", "OutcomeUnknown"} <= {error.__name__ for error in found}
    for error in found:
        assert f"| `{error.__name__}` |" in written["errors.md"]
        assert len((error.__doc__ or "").split()) > 2, error
        assert not (error.__doc__ or "").startswith(f"{error.__name__}("), error


def test_every_line_of_the_apis_table_of_errors_is_understood() -> None:
    from innsync.api import problems

    answers = errors.answers_by_error()
    for kind, _ in problems.TABLE:
        assert kind.__name__ in answers
        assert answers[kind.__name__] or kind is problems.Problem, kind


def test_every_problem_that_the_api_can_answer_is_listed(written: dict[str, str]) -> None:
    from innsync.api import problems

    known = {kind for kind, _, _ in errors.problem_kinds()}
    assert {make().kind for make in problems.BY_STATUS.values()} <= known
    assert {"sold-out", "price-changed", "idempotency-mismatch", "too-many-requests", "internal"} <= known
    for kind in known:
        assert f"`/problems/{kind}`" in written["errors.md"]


def test_every_table_is_documented_and_says_how_it_is_guarded(written: dict[str, str]) -> None:
    page = written["data-model.md"]
    for model in data_model.own_models():
        assert f"### `{model._meta.db_table}`" in page
        for field in model._meta.local_fields:
            assert not field.column or f"| `{field.column}` |" in page
    stock = page.split("### `inventory_stockday`")[1].split("###")[0]
    assert "Row-level security." in stock
    assert "no_direct_oversale" in stock
    assert "Append-only." in page.split("### `events_event`")[1].split("###")[0]


def test_names_of_the_requirements_lead_to_tables_that_exist() -> None:
    tables = {model._meta.db_table for model in data_model.own_models()}
    for here, words in data_model.NAMES.values():
        assert set(here) <= tables
        assert here or "not kept yet" in words


def test_every_operation_of_the_api_is_listed(written: dict[str, str]) -> None:
    from innsync.ops.docs.api import published

    operations = [(method, path) for path, found in published()["paths"].items() for method in found]
    assert len(operations) > 10
    for method, path in operations:
        assert f"`{method.upper()} {path}`" in written["api.md"]
