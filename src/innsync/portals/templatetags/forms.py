"""Fields of forms in our look, and data for scripts."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, Select

register = template.Library()


@register.inclusion_tag("portals/_field.html")
def field(bound: BoundField, *, help: str = "", focus: bool = False) -> dict[str, Any]:  # as templates call it
    """One field with its label, help and what is wrong with it."""
    widget = bound.field.widget
    kind = (
        "form-check-input" if isinstance(widget, CheckboxInput) else "form-select" if isinstance(widget, Select) else ""
    )
    described = [f"{bound.auto_id}_{part}" for part, there in (("wrong", bound.errors), ("help", help)) if there]
    attributes: dict[str, str | bool] = {
        "class": kind or "form-control",
        "placeholder": False,
        "aria-describedby": " ".join(described) or False,
    }
    if focus or bound.errors:
        attributes["autofocus"] = True
    return {
        "field": bound,
        "drawn": bound.as_widget(attrs=attributes),
        "help": help,
        "check": kind == "form-check-input",
    }


@register.filter
def as_json(value: object) -> str:
    """For a data attribute; the template escapes it."""
    return json.dumps(value)
