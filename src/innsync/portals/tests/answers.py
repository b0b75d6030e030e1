"""What a page says."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse


def text_of(answer: HttpResponse) -> str:
    """The page, which has to be there."""
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def told(answer: Any) -> list[str]:
    """The message on the page that an action leads to."""
    assert answer.redirect_chain[-1][1] == 303
    return [str(message) for message in answer.context["messages"]]
