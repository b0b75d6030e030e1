"""Reading rules and policies back from their stored JSON, with refusals that name the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from innsync.domain.errors import InvalidField

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Fields:
    """The members of one JSON object, taken one by one; what nobody took is refused by `end`.

    Every refusal is an InvalidField whose pointer starts at this object; `each` and `nested` put the outer part first.
    """

    def __init__(self, value: object) -> None:
        if not isinstance(value, Mapping):
            raise InvalidField(field="", problem="must be an object")
        self._left = {str(name): member for name, member in value.items()}

    def text(self, name: str, default: str | None = None) -> str:
        value = self._take(name, default)
        if not isinstance(value, str) or not value.strip():
            raise InvalidField(field=f"/{name}", problem="must be a text that is not empty")
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        return _integer(name, self._take(name, default))

    def optional_integer(self, name: str) -> int | None:
        value = self._left.pop(name, None)
        return None if value is None else _integer(name, value)

    def boolean(self, name: str, default: bool | None = None) -> bool:
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise InvalidField(field=f"/{name}", problem="must be true or false")
        return value

    def decimal(self, name: str) -> Decimal:
        """A number written as a string, as all exact decimals here are; a whole number may stand bare."""
        value = self._take(name, None)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InvalidField(field=f"/{name}", problem='must be a decimal string such as "12.5"')
        try:
            result = Decimal(value)
        except InvalidOperation:
            result = Decimal("NaN")
        if not result.is_finite():
            raise InvalidField(field=f"/{name}", problem='must be a decimal string such as "12.5"')
        return result

    def choice(self, name: str, kind: type[E], default: E | None = None) -> E:
        value = self._take(name, default)
        try:
            return kind(str(value))
        except ValueError:
            raise InvalidField(field=f"/{name}", problem=f"must be one of {', '.join(kind)}") from None

    def nested(self, name: str, read: Callable[[object], T]) -> T:
        value = self._take(name, None)
        with_prefix = _prefixed(f"/{name}", read)
        return with_prefix(value)

    def optional(self, name: str, read: Callable[[object], T]) -> T | None:
        value = self._left.pop(name, None)
        return None if value is None else _prefixed(f"/{name}", read)(value)

    def each(self, name: str, read: Callable[[object], T]) -> tuple[T, ...]:
        """A list, empty when absent."""
        value = self._left.pop(name, None)
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            raise InvalidField(field=f"/{name}", problem="must be a list")
        return tuple(_prefixed(f"/{name}/{index}", read)(item) for index, item in enumerate(value))

    def end(self) -> None:
        for name in self._left:
            raise InvalidField(field=f"/{name}", problem="is not known here")

    def _take(self, name: str, default: object) -> object:
        value = self._left.pop(name, None)
        if value is None:
            value = default
        if value is None:
            raise InvalidField(field=f"/{name}", problem="is missing")
        return value


def _integer(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidField(field=f"/{name}", problem="must be a whole number")
    return value


def _prefixed(prefix: str, read: Callable[[object], T]) -> Callable[[object], T]:
    def reading(value: object) -> T:
        try:
            return read(value)
        except InvalidField as refusal:
            raise InvalidField(field=prefix + refusal.field, problem=refusal.problem) from None

    return reading
