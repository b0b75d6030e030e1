from __future__ import annotations

import re

import httpx

from innsync.api.docs import CONTENT_SECURITY_POLICY


def test_the_reference_page_loads_nothing_from_elsewhere_and_runs_no_script(address: str):
    page = httpx.get(f"{address}/api/docs")
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page.text) == []
    assert httpx.get(f"{address}/api/docs.css").headers["Content-Type"].startswith("text/css")


def test_the_reference_page_tells_of_every_operation(address: str):
    page = httpx.get(f"{address}/api/docs").text
    document = httpx.get(f"{address}/api/openapi.json").json()
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert len(operations) > 10
    for operation in operations:
        assert f'id="{operation["operationId"]}"' in page
