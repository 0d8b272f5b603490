"""Documents from outside: whatever a parser stumbles over in one becomes the fault that its package documents.

A price source, a bank and a weather service may send anything. What is repeated of it goes through `plain_text`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ems_pipeline.plain_text import plain

Read = TypeVar("Read", bound=Callable[..., Any])

SHOWN_BYTES = 60
"""Of a document that cannot be read."""
SHOWN_ERROR = 160


def parser(source: str, fault: Callable[[str], Exception], spoken: type[Exception]) -> Callable[[Read], Read]:
    """Decorator of a function that reads a document: nothing but ``spoken`` errors ever comes out of it.

    A parser says by ``spoken`` (its package's base class) what it understands to be wrong. Whatever else it stumbles
    over, a missing key, a nesting too deep, an encoding nobody has, is the document's fault and becomes ``fault``.

    Args:
        source: who sent the document, for the message.
        fault: makes the error from what is wrong, and knows the remedy.
    """

    def guarded(read: Read) -> Read:
        @functools.wraps(read)
        def reads(document: bytes, *args: Any, **kwargs: Any) -> Any:
            try:
                return read(document, *args, **kwargs)
            except spoken:
                raise
            except Exception as error:
                stumbled = plain(repr(error), SHOWN_ERROR)
                raise fault(
                    f"{source} sent a document that cannot be read ({stumbled}); it starts {document[:SHOWN_BYTES]!r}"
                ) from error

        return cast(Read, reads)

    return guarded
