"""The base of every error that people read, so that whoever shows one has its remedy.

Errors that only steer the program (`control.permit.Withdrawn`, `api.live.parley.Ended`) have none and are not of it.
"""

from __future__ import annotations

from typing import ClassVar


class EmsError(Exception):
    """What is wrong, with both sides, and what mends it; the text is ``what; remedy``.

    A class whose cases are all mended the same way says so once, as `usual`, for those that name no remedy of their
    own. One that lists many faults, each with its remedy, says ``is_told``: nothing is added to its text then.
    """

    usual: ClassVar[str] = ""

    def __init__(self, what: str, remedy: str = "", *, is_told: bool = False) -> None:
        self.what, self.remedy = what, remedy or self.usual
        joint = " " if what.endswith((".", ":", ",", "?")) else "; "
        super().__init__(what if is_told or not self.remedy else f"{what}{joint}{self.remedy}")
