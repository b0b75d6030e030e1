"""What is said is found wherever it is marked, and a catalogue that would show English or a broken sentence is refused."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parent.parent / "tools" / "translations.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('gettext("Rooms")', [("", "Rooms", "")]),
        ('from x import gettext_lazy as lazy\nlazy("Rooms")', [("", "Rooms", "")]),
        ('ngettext("%(count)d room", "%(count)d rooms", n)', [("", "%(count)d room", "%(count)d rooms")]),
        ('pgettext("nights", "Close")', [("nights", "Close", "")]),
        ('told(f"booking {record.code}")', [("", "booking {code}", "")]),
        ('tongue.say("{label} set to {after}", label=label)', [("", "{label} set to {after}", "")]),
        (
            'InvalidField(field="/a", problem=f"must be at most {MOST_ROOMS}")',
            [("", "must be at most {most_rooms}", "")],
        ),
        ("gettext(words)", []),
        ('print("Rooms")', []),
    ],
)
def test_a_sentence_is_found_where_python_says_it(tool, source, found):
    assert [(one.context, one.text, one.plural) for one in tool.of_python(source)] == found


def test_two_gaps_of_one_name_are_refused_since_nobody_could_fill_them(tool):
    with pytest.raises(SystemExit):
        list(tool.of_python('told(f"{one.code} is {two.code}")'))


def test_a_sentence_is_found_where_a_template_says_it(tool):
    source = (
        '{% load i18n %}<p title="{% translate \'A title\' %}">{% translate "Close" context "nights" %}</p>'
        "{% blocktranslate count n=n %}{{ n }} room{% plural %}{{ n }} rooms{% endblocktranslate %}"
        '{{ name|default:_("none yet") }}'
    )
    assert [(one.context, one.text, one.plural) for one in tool.of_template(source, "x.html")] == [
        ("", "A title", ""),
        ("nights", "Close", ""),
        ("", "%(n)s room", "%(n)s rooms"),
        ("", "none yet", ""),
    ]


def test_a_sentence_is_found_where_a_channel_says_it(tool):
    manifest = 'notes = "One for each."\n[secrets]\nkey = { label = "API key", help = "Shown once." }'
    assert [one.text for one in tool.of_manifest(manifest)] == ["One for each.", "API key", "Shown once."]


def catalogue(tool, said, translated, flags=()):
    old = tool.Catalog(locale="es")
    for one, string in translated:
        old.add(one.id, string, context=one.context or None, flags=flags)
    return tool.renew(old, said, "es")


def test_what_is_missing_fuzzy_or_has_other_gaps_is_refused(tool):
    said = [tool.Sentence("Rooms of %(name)s"), tool.Sentence("%(count)d room", "%(count)d rooms")]
    good = [(said[0], "Habitaciones de %(name)s"), (said[1], ("%(count)d habitación", "%(count)d habitaciones"))]
    assert list(tool.problems(catalogue(tool, said, good))) == []
    assert len(list(tool.problems(catalogue(tool, said, good[:1])))) == 1
    assert len(list(tool.problems(catalogue(tool, said, good, flags=["fuzzy"])))) == 2
    assert len(list(tool.problems(catalogue(tool, said, [(said[0], "Habitaciones"), good[1]])))) == 1
    assert len(list(tool.problems(catalogue(tool, said, [good[0], (said[1], ("una", "varias"))])))) == 1


def test_a_singular_may_leave_its_number_out(tool):
    said = [tool.Sentence("%(count)d room", "%(count)d rooms")]
    found = catalogue(tool, said, [(said[0], ("una habitación", "%(count)d habitaciones"))])
    assert list(tool.problems(found)) == []


def test_a_reworded_sentence_keeps_its_translation_to_be_looked_at(tool):
    old, new = tool.Sentence("Nothing was changed; look again."), tool.Sentence("Nothing was changed; look once more.")
    found = catalogue(tool, [new], [(old, "No se ha cambiado nada; vuelva a mirar.")])
    message = found.get(new.text)
    assert (message.string, message.fuzzy) == ("No se ha cambiado nada; vuelva a mirar.", True)


def test_a_catalogue_is_written_the_same_each_time(tool):
    said = [tool.Sentence("Rooms", files={"b.py", "a.py"}), tool.Sentence("Close", context="nights")]
    first = tool.written(catalogue(tool, said, [(said[0], "Habitaciones")]))
    assert first == tool.written(catalogue(tool, said, [(said[0], "Habitaciones")]))
    assert b"Date" not in first
    assert b"#: a.py b.py\n" in first
