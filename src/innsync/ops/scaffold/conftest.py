"""The template's tests run where they are laid out, not here: `tests/` beside this file does that."""

collect_ignore = ["template"]
