"""What the lists of a connection can be asked: a form of the address, of which every field may be left empty."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import pgettext

from innsync.portals.admin.reading import DayField


class Question(forms.Form):
    """What can be read of it counts; the rest is as if it had not been said, and named beside its field."""

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, auto_id="f-%s")
        for field in self.fields.values():
            if isinstance(field, DayField):
                field.widget = forms.DateInput(
                    format="%Y-%m-%d", attrs={"type": "date", "class": "form-control form-control-sm"}
                )

    def offer(self, name: str, choices: Iterable[tuple[str, str | Promise]]) -> None:
        """What can be chosen in a field, besides all."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", pgettext("filter", "all")), *((key, str(words)) for key, words in choices)]
        field.widget.attrs["class"] = "form-select form-select-sm"

    def said(self) -> dict[str, Any]:
        self.is_valid()
        return self.cleaned_data
