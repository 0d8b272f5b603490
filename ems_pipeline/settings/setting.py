"""One variable of the environment: its name, what may stand there, and what it means."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ems_pipeline.errors import EmsError
from ems_pipeline.secret import secret

T_co = TypeVar("T_co", covariant=True)
Environ = Mapping[str, str]


class WrongSetting(EmsError, ValueError):
    """A variable that says what it cannot say; the text names it, what stands there and what may."""


@dataclass(frozen=True)
class Form(Generic[T_co]):
    """What a text may say."""

    allowed: str
    """In words, after "write"."""
    parse: Callable[[str], T_co]
    """The value; ValueError: the text is none."""
    shown: Callable[[str], str] = repr
    """A wrong text as an error may show it."""
    may_be_empty: bool = True
    """An empty text is as good as none; else it is wrong."""


@dataclass(frozen=True)
class Setting(Generic[T_co]):
    """A variable. It is read whenever it is asked for, so that tests and parents of processes can set it."""

    name: str
    meaning: str
    """One line, for `.env.example` and the table of docs/operations.md."""
    form: Form[T_co]
    default: T_co
    sample: str = ""
    """What `.env.example` shows after the sign of equality."""
    without: str = "unset"
    """What holds where it is not set, for the table."""

    def read(self, environ: Environ | None = None) -> T_co:
        """Its value; the default where it is not set.

        Raises:
            WrongSetting: see there.
        """
        text = self._text(os.environ if environ is None else environ)
        if text is None or (not text and self.form.may_be_empty):
            return self.default
        return checked(self.name, self.form, text)

    def is_set(self, environ: Environ | None = None) -> bool:
        """Whether it says anything."""
        return bool(self._text(os.environ if environ is None else environ))

    def hand_over(self, text: str) -> None:
        """Set it for this process and its children."""
        os.environ[self.name] = text

    def forget(self) -> None:
        """Unset it for this process and its children."""
        os.environ.pop(self.name, None)

    def _text(self, environ: Environ) -> str | None:
        return environ.get(self.name)


@dataclass(frozen=True)
class Secret(Setting[T_co]):
    """A variable whose text may stand in a file instead, which ``NAME_FILE`` names. `read` raises SecretUnreadable."""

    is_missed_by_one: bool = False
    """Only what wants it goes without where it cannot be read: that keeps nothing from starting."""

    def _text(self, environ: Environ) -> str | None:
        return secret(self.name, environ)


@dataclass(frozen=True)
class Family(Generic[T_co]):
    """Variables that are called after what they are for: ``STEM<part>ENDING``."""

    stem: str
    part: str
    """What stands between, in words."""
    ending: str
    meaning: str
    form: Form[T_co]
    sample: str

    @property
    def name(self) -> str:
        return f"{self.stem}{self.part}{self.ending}"

    def variable(self, of: str) -> str:
        """The variable of a source or a zone: capitals, and a low line for a dash or a dot."""
        return f"{self.stem}{of.upper().replace('-', '_').replace('.', '_')}{self.ending}"

    def of(self, name: str, environ: Environ | None = None) -> T_co | None:
        """The value for one of them; None where nothing is said. WrongSetting: see there."""
        environ = os.environ if environ is None else environ
        variable = self.variable(name)
        return checked(variable, self.form, text) if (text := environ.get(variable)) else None

    def read(self, environ: Environ | None = None) -> dict[str, T_co]:
        """All that are set, by variable. WrongSetting: see there."""
        environ = os.environ if environ is None else environ
        return {
            name: checked(name, self.form, text)
            for name, text in environ.items()
            if text and name.startswith(self.stem) and name.endswith(self.ending)
        }


def checked(name: str, form: Form[T_co], text: str) -> T_co:
    """The value of a text. WrongSetting: it is none."""
    try:
        return form.parse(text)
    except ValueError:
        raise WrongSetting(f"{name} is {form.shown(text)}", f"write {form.allowed}") from None
