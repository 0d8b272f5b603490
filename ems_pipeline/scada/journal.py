"""What a look at a sequence writes down: state, step, action, and the snapshot it was decided on."""

from __future__ import annotations

from typing import Any

from ems_pipeline.gensets.sequence.progress import Act, Answer, Done, Failed, Progress
from ems_pipeline.gensets.snapshot import Snapshot
from ems_pipeline.sentence import gensets as say
from ems_pipeline.warehouse.genset_commands import Change, Command

REFUSED = say.REFUSED.begin


def change(command: Command, before: Progress, after: Progress, answer: Answer, snapshot: Snapshot) -> Change | None:
    """A row for what has changed; None: nothing has."""
    if isinstance(answer, Done):
        return _end(command, after, "done", answer.note, snapshot)
    if isinstance(answer, Failed):
        is_refused = answer.why.startswith(REFUSED)
        return _end(command, after, "refused" if is_refused else "failed", answer.why.removeprefix(REFUSED), snapshot)
    action = str(answer.action) if isinstance(answer, Act) else ""
    if not action and after == before and command.progress is not None:
        return None
    return Change(
        number=command.number, state="backing-out" if after.trouble else "running",
        reason=after.trouble or after.note, progress=after.document(), step=str(after.step), action=action,
        seen=seen(snapshot),
    )  # fmt: skip


def withheld(command: Command, before: Progress, act: Act, why: str) -> Change:
    """What was to be told and was not: the sequence stands where it stood before."""
    return Change(
        number=command.number, state="backing-out" if before.trouble else "running", reason=why,
        progress=before.document(), step="withheld", action=str(act.action),
    )  # fmt: skip


def shadow(command: Command, progress: Progress, answer: Answer, withdrawn: str, snapshot: Snapshot) -> Change:
    """The end of a command at a site that may not be steered: what it would have done."""
    been, acted, waited = say.WOULD
    if isinstance(answer, Failed):
        said = been(why=answer.why, withdrawn=withdrawn)
    elif isinstance(answer, Act):
        said = acted(action=str(answer.action), withdrawn=withdrawn)
    else:
        said = waited(withdrawn=withdrawn)
    return Change(
        number=command.number, state="shadow", reason=said, progress=progress.document(), step=str(progress.step),
        is_shadow=True, seen=seen(snapshot),
    )  # fmt: skip


def _end(command: Command, progress: Progress, state: str, why: str, snapshot: Snapshot) -> Change:
    return Change(
        number=command.number, state=state, reason=why, progress=progress.document(), step=str(progress.step),
        seen=seen(snapshot),
    )  # fmt: skip


def seen(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as the journal keeps it: known values, bits that are set, alarms."""
    alarms = None if snapshot.alarms is None else sorted(f"{a.group}: {a.name}" for a in snapshot.alarms)
    return {
        "taken_at": None if snapshot.taken_at is None else snapshot.taken_at.isoformat(),
        "link": str(snapshot.link),
        "values": {name: value for name, value in snapshot.values.items() if value is not None},
        "bits": sorted(name for name, is_set in snapshot.bits.items() if is_set),
        "alarms": alarms,
    }
