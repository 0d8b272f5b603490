"""Settings of the environment that are wrong are refused before anything begins, all of them in one message.

Each is read, and bounded, where it is used; here they are only asked all at once. Add one that can be wrong to
`READERS`.
"""

from collections.abc import Callable

from ems_pipeline import notify
from ems_pipeline.market.settings import SourceSettings
from ems_pipeline.steps import second_source, shards
from ems_pipeline.warehouse import retention

READERS: tuple[Callable[[], object], ...] = (
    SourceSettings.from_environ,
    retention.kept_for,
    shards.all_shards,
    second_source.is_wanted,
    notify.from_environment,
)


class WrongEnvironment(ValueError):
    """Variables that say what they cannot say; the text lists all of them, each with its remedy."""


def faults() -> list[str]:
    """What is wrong with the environment of this process, a line each."""
    return [fault for reader in READERS if (fault := _fault(reader))]


def demand() -> None:
    """Refuse to begin with an environment that is wrong.

    Raises:
        WrongEnvironment: it is.
    """
    if found := faults():
        raise WrongEnvironment("\n".join(found))


def _fault(reader: Callable[[], object]) -> str:
    try:
        reader()
    except ValueError as error:
        return str(error)
    return ""
