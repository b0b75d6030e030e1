"""What a manifest may say, and what the installed ones say together."""

from __future__ import annotations

from pathlib import Path

import pytest

from innsync.domain.guest_matching import RELAY_DOMAINS, is_relay_address
from innsync.integrations.manifest import BrokenManifest, manifests, read_manifest, relay_domains

MINIMAL = 'key = "acme"\nname = "Acme"\ncan = []\nhorizon_days = 30\n'


def written(folder: Path, more: str) -> Path:
    path = folder / "manifest.toml"
    path.write_text(f'{MINIMAL}{more}\n[base_urls]\napi = "https://acme.example"\n')
    return path


def test_a_manifest_names_its_relay_domains_or_none(tmp_path: Path) -> None:
    assert read_manifest(written(tmp_path, ""), "acme").relay_domains == ()
    told = read_manifest(written(tmp_path, 'relay_domains = ["guest.acme.example", "acme-mail.example"]'), "acme")
    assert told.relay_domains == ("guest.acme.example", "acme-mail.example")


@pytest.mark.parametrize(
    "domains", ['"guest.acme.example"', '["ada@acme.example"]', '["Acme.Example"]', '["example"]', "[1]"]
)
def test_what_is_no_list_of_domains_is_refused(tmp_path: Path, domains: str) -> None:
    with pytest.raises(BrokenManifest, match="relay_domains"):
        read_manifest(written(tmp_path, f"relay_domains = {domains}"), "acme")


@pytest.mark.parametrize("email", ["ada.1@guest.booking.com", "x@M.ExpediaPartnerCentral.com"])
def test_the_installed_channels_aliases_are_known_by_their_manifests_alone(email: str) -> None:
    assert not is_relay_address(email)
    assert is_relay_address(email, relay_domains())


def test_what_has_a_manifest_is_not_in_the_domains_list_as_well() -> None:
    assert relay_domains() == {domain for one in manifests().values() for domain in one.relay_domains}
    assert not relay_domains() & RELAY_DOMAINS


@pytest.mark.parametrize("amenities", ['room = { pool = "POOL" }', 'property = { moat = "MOAT" }', "garage = {}"])
def test_an_amenity_is_named_only_where_it_may_be_said(tmp_path: Path, amenities: str) -> None:
    with pytest.raises(BrokenManifest, match=r"amenities|garage"):
        read_manifest(written(tmp_path, f"[amenities]\n{amenities}"), "acme")
