"""What an alarm is about and what to do, by its kind: its own text, which follows, is kept as it was written."""

from __future__ import annotations

from typing import NamedTuple

from ems_pipeline.gensets.alarms import titles


def _(text: str) -> str:
    """Marks a text for the catalogues; it is said in the reader's language by a template."""
    return text


class About(NamedTuple):
    """A title, and what mends it."""

    title: str
    remedy: str


ON_THE_MACHINE = _("Look at `ems status` and the log on the machine; `ems doctor` says what is wrong.")
ARM_AGAIN = _("If it is still to be steered, arm it again on the machine: `ems control arm`.")
ABOUT = {
    "setpoint-failed": About(
        _("A set-point could not be written"), _("See that the device answers; the next quarter-hour tries again.")
    ),
    "release-failed": About(
        _("A device could not be handed back"),
        _("It may go on with what it was told last: look at the device, and set it there by hand."),
    ),
    "reverted": About(
        _("A device undid what it was told"), _("See whether another master or an app of its maker writes to it.")
    ),
    "no-effect": About(
        _("A device holds what it was told and does otherwise"),
        _("Look at the device itself: its mode, its own limits, its wiring."),
    ),
    "genset": About(
        _("A generating set reports an alarm"),
        _("Say on the page of genset alarms that you know; its controller says what it did about it."),
    ),
    "genset-flood": About(
        _("Alarms of generating sets come faster than anybody reads"),
        _("Look at the page of genset alarms which came first; what comes most often may be shelved there."),
    ),
    "genset-command": About(
        _("A command to a generating set did not come to its end"),
        _("See its steps with `ems gensets steps`, and look at the set before anything else is asked of it."),
    ),
    "device-fault": About(_("A device reports a fault"), _("Look the fault up in the device's manual.")),
    "maintenance-warning": About(
        _("A service is due soon"), _("Order the parts, choose a day, and begin it on the page Maintenance.")
    ),
    "maintenance-critical": About(_("A service is due"), _("Do it, and complete it on the page Maintenance.")),
    "maintenance-overdue": About(
        _("A service is overdue"),
        _("Do it, and complete it on the page Maintenance; past its tolerance the set is started no more."),
    ),
    "bitrix-portal": About(
        _("Bitrix24 does not take services as tasks"),
        _("Nothing is lost, it is said later; its text says whether the webhook or their support is wanted."),
    ),
    "bitrix-task": About(
        _("A task in Bitrix24 wants somebody"),
        _("Do what its text says, then ask for a synchronisation; the service itself can be done here as well."),
    ),
    "maintenance-meter": About(
        _("Hours of a generating set are not known for certain"),
        _("Look at its hour meter, and enter what it shows on the page Maintenance."),
    ),
    "home-assistant": About(
        _("Home Assistant is not reached"),
        _("See that its broker runs and takes our login; nothing else waits for it."),
    ),
    "charger-stranger": About(
        _("A charger calls in that nobody knows"),
        _("Give it the key of its device in the site's file, or take our address out of its settings."),
    ),
    "charger-clock": About(
        _("A charger's clock is wrong"),
        _("Set its clock, or have it set by a time server; it is told in its own time."),
    ),
    "controllers-lost": About(
        _("Controllers of generating sets do not answer"),
        _("See to the line to the site: the sets go on by themselves. No alarm of theirs has ended meanwhile."),
    ),
    "controllers-unpolled": About(
        _("Controllers of generating sets are not polled"), _("Look at `scada` in the log of the services.")
    ),
    "demand-limit": About(
        _("The grid operator limits what is drawn"),
        _("It ends by itself. If nobody asked for it, look at the contact or address it comes from."),
    ),
    "import-limit": About(
        _("More is drawn from the grid than the connection allows"), _("Switch something large off, or wait.")
    ),
    "not-served": About(_("A site is not steered"), ON_THE_MACHINE),
    "clock-went-back": About(_("The clock went back"), _("Make sure that the machine's clock is set by NTP.")),
    "clock-jumped": About(_("The clock jumped"), _("Make sure that the machine's clock is set by NTP.")),
    "arm-ends": About(_("The arm ends soon"), ARM_AGAIN),
    "arm-ended": About(_("The arm has ended: nothing is told any more"), ARM_AGAIN),
    "arm-for-other": About(_("The arm is for another version of the site: nothing is told any more"), ARM_AGAIN),
    "pv-azimuth": About(
        _("The roof seems to face elsewhere than the site's file says"),
        _("Compare the azimuth in the file with the roof, and correct the one that is wrong."),
    ),
    "site-file": About(
        _("A site's file cannot be taken"), _("Correct what is named in the file; until then the version before holds.")
    ),
    "site-config": About(
        _("A site's configuration cannot be read"), _("Register a readable file of the site: `ems site add`.")
    ),
    "site-devices": About(_("No device of a site can be read"), ON_THE_MACHINE),
    "unpriced": About(
        _("A site has no prices"), _("See whether the price source answers; it is asked again every hour.")
    ),
    "no-prices": About(
        _("Prices of a market are missing"), _("See whether the price source answers; it is asked again every hour.")
    ),
    "doubted-prices": About(
        _("Prices of a market are doubtful"), _("Compare them with the exchange's own page before you trust the plan.")
    ),
    "no-secret": About(
        _("A secret for a source is missing or unreadable"),
        _("Put the token where the settings say; `ems doctor` names it."),
    ),
    "no-rate": About(
        _("An exchange rate is missing"), _("It is asked for again; until then the last one known holds.")
    ),
    "no-weather": About(
        _("A site has no new weather forecast"),
        _("It is asked for again; PV and heat are expected from what is known."),
    ),
    "unforecast": About(_("A forecast could not be made"), ON_THE_MACHINE),
    "unplanned": About(
        _("A site cannot be planned"),
        _("Devices go by their own logic when the last plan ends; see what the plan lacks."),
    ),
    "unplanned-day": About(_("A site's next day cannot be planned"), _("See what the plan lacks; it is tried again.")),
    "telemetry-stopped": About(_("No device is read any more"), ON_THE_MACHINE),
    "plan-stopped": About(_("No plan is made any more"), ON_THE_MACHINE),
    "control-stopped": About(_("Nothing is steered any more"), ON_THE_MACHINE),
    "database-down": About(_("The database does not answer"), ON_THE_MACHINE),
    "disk-low": About(_("The disk is nearly full"), _("Make room: a full disk stops the database.")),
    "notices-gone": About(_("Nobody is told by Telegram, e-mail or browser"), ON_THE_MACHINE),
    "notices": About(_("A way to tell people fails"), _("See whether the service answers and the secret still holds.")),
    "channel-blocked": About(
        _("A person's channel takes nothing any more"),
        _("Bind the chat or the browser, or enter the address again (`ems user channel`)."),
    ),
    "supervisor-gone": About(
        _("The program was ended: nothing is measured or steered"), _("Start it again: `ems up`.")
    ),
    "code-not-loaded": About(
        _("The new code cannot be loaded; the old one goes on"), _("Correct the code, then reload.")
    ),
    "run-failed": About(_("A job failed"), _("Look at the run in Dagster's UI; the next one ends the alarm.")),
    "asset-failed": About(_("A table could not be made"), _("Look at the run in Dagster's UI, and make it again.")),
}
"""By the begin of the kind; what follows a colon names the thing."""
GENSET = "genset"
"""Of an alarm of a generating set, such as ``genset:shutdown:overspeed``."""
WAYS = "notices-"
"""Of each way to people, such as ``notices-telegram``."""


def about(kind: str) -> About | None:
    """Title and remedy of a kind; None where it has none yet, and its text has to do."""
    begin, _group, name = (*kind.split(":", 2), "", "")[:3]
    if begin == GENSET:
        return About(titles.title(name), ABOUT["genset"].remedy)
    return ABOUT.get(begin) or (ABOUT["notices"] if begin.startswith(WAYS) else None)
