"""What the HTTP API takes and answers, class by class: made from its schema by `make client`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Alarm(BaseModel):
    """A trouble; the same again is counted on it."""

    alarm_id: int
    """Number."""
    site: str | None
    """Site; null: the installation."""
    device: str | None
    """Device; null: the site itself."""
    kind: str
    """Kind of trouble."""
    severity: Literal["info", "warning", "critical"]
    """How bad."""
    text: str
    """What happened, and the remedy."""
    raised_at: AwareDatetime
    """First time."""
    last_at: AwareDatetime
    """Last time."""
    times: int
    """How often."""
    acknowledged_at: AwareDatetime | None
    """When somebody said that he knows; null: nobody did."""
    acknowledged_by: str | None
    """Who did."""
    cleared_at: AwareDatetime | None
    """When it was over; null: it is open."""


class Alert(BaseModel):
    """A service that is due or soon will be; one for each set and level."""

    alert_id: int
    """Number."""
    site: str
    """Site."""
    asset: str
    """Genset."""
    level: str
    """Level."""
    severity: Literal["warning", "critical", "overdue"]
    """The worst it has been."""
    due_h: float | None
    """Due at so many hours of running."""
    due_at: AwareDatetime | None
    """Due by the calendar."""
    raised_at: AwareDatetime
    """Raised."""
    risen_at: AwareDatetime
    """Grew to this severity; an acknowledgement of before has lapsed."""
    alarm_id: int | None
    """Alarm by which people are told; null: not yet."""
    acknowledged_at: AwareDatetime | None
    """When somebody said that he knows; null: nobody did."""
    acknowledged_by: str | None
    """Who did."""
    resolved_at: AwareDatetime | None
    """Over; null: it stands."""
    resolved_by: Literal["log", "template", "meter"] | None
    """What ended it."""


class Arm(BaseModel):
    """The two opt-ins of a site, and what control decided last."""

    site: str
    """Site."""
    authority: Literal["shadow", "disarmed", "armed"]
    """`shadow`: its file enables no control, or it is out of service; `disarmed`: nobody armed it; `armed`."""
    is_enabled: bool
    """The first opt-in, of its file."""
    armed_at: AwareDatetime | None
    """Since when it is armed; null: it is not."""
    armed_by: str | None
    """Who armed it."""
    armed_until: AwareDatetime | None
    """When that ends by itself."""
    decided_slot: AwareDatetime | None
    """The quarter-hour that control decided last; null: none yet."""
    decided_at: AwareDatetime | None
    """When it did."""
    plan_decided_at: AwareDatetime | None
    """When the plan behind it was decided; null: without one."""


class Around(BaseModel):
    """Values around a shutdown."""

    at: list[AwareDatetime]
    """Instants."""
    values: dict[str, list[float | str | None]]
    """Of each name its values at them; null: no sensor, or not believed."""


class Asset(BaseModel):
    """A planned part of a site."""

    asset: str
    """Key."""
    kind: str
    """`batteries`, `pv`, `chargers`, `heat_pumps`, `gensets` or `deferrables`."""
    device: str | None
    """The device that measures and obeys for it; null: none does."""


class Baseline(BaseModel):
    """A day as it was, or as it would have been. Null: not known, and `missing` says why."""

    day: date
    """Civil day of the site."""
    baseline: str
    """measured, none, no_genset, self_use, timer, fixed_tariff, yesterdays_plan, last_plan or foresight."""
    version: int
    """Above 1: corrected."""
    cost: Decimal | None
    """Energy and fuel."""
    energy_cost: Decimal | None
    """At the meter."""
    fuel_cost: Decimal | None
    """Fuel, starts and service of generating sets."""
    wear_cost: Decimal | None
    """Wear of the batteries; in no other amount."""
    stored_value: Decimal | None
    """Worth of the change in stored energy."""
    net_cost: Decimal | None
    """The cost less that worth."""
    saving: Decimal | None
    """What was saved against it; below 0: it would have been cheaper."""
    stored_change_kwh: float | None
    """Energy in the cells at the end less at the begin."""
    settled_slots: int
    """Quarter-hours it is a sum over."""
    slots: int
    """Quarter-hours of the day."""
    is_modelled: bool
    """A battery by its few numbers stands in for the measured one."""
    missing: str | None
    """Why there are no figures."""
    known_at: AwareDatetime
    """When it was settled so."""


class Baselines(BaseModel):
    """Days in order, of each its rows by name."""

    site: str
    """Site."""
    currency: str
    """Currency of all its money."""
    items: list[Baseline]
    """Rows, oldest day first."""


class BatteriesOfSite(BaseModel):
    """The batteries of a site together, over settled days."""

    site: str
    """Site."""
    first_day: date | None
    """First settled day counted; null: none is."""
    last_day: date | None
    """Last of them."""
    days: int
    """Settled days."""
    coverage_pct: float | None
    """Share of these days that was measured."""
    capacity_kwh: float | None
    """Capacity of all its batteries."""
    throughput_kwh: float | None
    """Charged plus discharged."""
    cycles: float | None
    """Throughput over twice the capacity."""
    saved: Decimal | None
    """Against no battery, the stored energy's value included."""
    saved_to_self_use: Decimal | None
    """Against the device's own logic."""
    currency: str
    """Currency."""


class BatteryHealth(BaseModel):
    """What stands in the way of a battery."""

    id: str
    """`site.asset`."""
    device: str | None
    """The device that obeys for it."""
    state: str
    """`ok`, `degraded`, `open` (left alone for a while), `half-open` (tried once), `unknown`."""
    last_seen_at: AwareDatetime | None
    """Last good answer of its device; null: never."""
    error_streak: int
    """Errors since then."""
    last_error: str | None
    """Text of the last one."""
    temperature_c: float | None
    """Cells; null: not measured, or too long ago."""
    alarms: list[Alarm]
    """Open alarms of its device."""


class BatteryLimits(BaseModel):
    """What its site file allows."""

    charge_kw: float
    """Charging at most."""
    discharge_kw: float
    """Discharging at most."""
    min_soc_pct: float
    """Never emptied below."""
    max_soc_pct: float
    """Never filled above."""


class BatteryStatus(BaseModel):
    """One answer of a battery; null: it did not say so then."""

    reported_at: AwareDatetime
    """When it was asked."""
    soc_pct: float | None
    """Charge."""
    battery_kw: float | None
    """Power at the bus; > 0 discharges."""
    pv_kw: float | None
    """Modules of its own."""
    ongrid_kw: float | None
    """At its grid port; > 0 feeds the house."""
    offgrid_kw: float | None
    """Given at its backup socket."""
    mode: str | None
    """`auto`, `ai`, `manual`, `passive`, `ups`."""
    temperature_c: float | None
    """Cells."""
    capacity_kwh: float | None
    """What it can hold, as it says."""
    remaining_kwh: float | None
    """What is in it, as it says."""


class CodedAnswer(BaseModel):
    """The same of one line among others."""

    model_config = ConfigDict(
        extra="forbid",
    )
    result: Literal["done", "not", "na"] | None
    """`na`: it does not apply; null: not answered yet."""
    value: str | None = None
    """What was measured, as written."""
    note: str = ""
    """Remark."""
    photos: list[str] = []
    """References to pictures in your own store; none are kept here."""
    code: str
    """Code of the line."""


class Command(BaseModel):
    """A command to a set, and where its sequence stands."""

    command_id: int
    """Number."""
    site: str
    """Site."""
    device: str
    """Controller."""
    kind: Literal["start", "stop", "auto", "manual", "power", "mute", "reset", "run", "release"]
    """What was asked."""
    power_w: float | None
    """Target of active power; null: none was named."""
    until_at: AwareDatetime | None
    """End of a run; null: of no other command."""
    reason: str
    """Why, as it was said."""
    asked_by: str
    """By whom; `dispatch`: a plan."""
    asked_at: AwareDatetime
    """When it was filed."""
    state: Literal[
        "asked", "lapsed", "confirmed", "running", "backing-out", "done", "failed", "refused", "cancelled", "shadow"
    ]
    """Where it stands; `shadow`: told nothing, the site is not enabled and armed."""
    state_reason: str
    """Why it is in this state."""
    step: str | None
    """What the sequence waits for; null: it has not begun."""
    cancelled_by: str | None
    """Who took it back; null: nobody."""
    ended_at: AwareDatetime | None
    """When it ended; null: it has not."""


class CommandFiled(BaseModel):
    """A command was filed; nothing happens until its code is said."""

    command_id: int | None
    """Number; null: a dry run filed nothing."""
    site: str
    """Site."""
    device: str
    """Controller."""
    kind: Literal["start", "stop", "auto", "manual", "power", "mute", "reset", "run", "release"]
    """What was asked."""
    code: str | None
    """What confirms it, once; null: nothing was filed."""
    confirm_by_at: AwareDatetime | None
    """When the code lapses."""
    href: str | None
    """Where it stands."""


class CommandStep(BaseModel):
    """A step of a sequence; committed before its action was told."""

    at: AwareDatetime
    """When."""
    step: str
    """What is waited for since."""
    action: str
    """What was told; empty: nothing."""
    reason: str
    """Why it turned, or what the wire said; empty: nothing."""
    seen: dict[str, Any]
    """The snapshot it was decided on."""


class CommandTold(BaseModel):
    """The same, with its steps."""

    command_id: int
    """Number."""
    site: str
    """Site."""
    device: str
    """Controller."""
    kind: Literal["start", "stop", "auto", "manual", "power", "mute", "reset", "run", "release"]
    """What was asked."""
    power_w: float | None
    """Target of active power; null: none was named."""
    until_at: AwareDatetime | None
    """End of a run; null: of no other command."""
    reason: str
    """Why, as it was said."""
    asked_by: str
    """By whom; `dispatch`: a plan."""
    asked_at: AwareDatetime
    """When it was filed."""
    state: Literal[
        "asked", "lapsed", "confirmed", "running", "backing-out", "done", "failed", "refused", "cancelled", "shadow"
    ]
    """Where it stands; `shadow`: told nothing, the site is not enabled and armed."""
    state_reason: str
    """Why it is in this state."""
    step: str | None
    """What the sequence waits for; null: it has not begun."""
    cancelled_by: str | None
    """Who took it back; null: nobody."""
    ended_at: AwareDatetime | None
    """When it ended; null: it has not."""
    steps: list[CommandStep]
    """Steps in order."""


class CommandWish(BaseModel):
    """A command to be filed."""

    model_config = ConfigDict(
        extra="forbid",
    )
    kind: Literal["start", "stop", "auto", "manual", "power", "mute", "reset", "run", "release"]
    """What is asked."""
    reason: str
    """Why, in one line."""
    power_w: float | None = None
    """Target of active power, of start, power and run."""
    until_at: AwareDatetime | None = None
    """End of a run."""


class Commanded(BaseModel):
    """A wish was filed. Nothing is said of its effect: that shows in the battery's power."""

    command_id: int | None
    """Number of the override; null: a dry run filed nothing."""
    battery: str
    """Battery."""
    mode: Literal["charge", "discharge"]
    """What was asked."""
    power_kw: float
    """Power as filed, after clipping."""
    clipped_by: list[str]
    """What lowered it."""
    starts_at: AwareDatetime
    """From when."""
    expires_at: AwareDatetime
    """Until when."""
    steered: Literal["shadow", "disarmed", "armed"]
    """Unless `armed`, the wish is journalled and told to nobody."""


class Confirmed(BaseModel):
    """What the draft became."""

    template_id: int
    """Number of the template's version."""


class ControlWish(BaseModel):
    """An override with the site it is for."""

    model_config = ConfigDict(
        extra="forbid",
    )
    asset: str
    """Asset of the site."""
    mode: str
    """Mode of the asset."""
    limits: dict[str, float] = {}
    """Limits of the mode."""
    starts_at: AwareDatetime | None = None
    """From when; now."""
    ends_at: AwareDatetime | None = None
    """Until when."""
    duration_minutes: int | None = None
    """Or how long; an hour."""
    reason: str = ""
    """Why, in a few words: the journal says it beside what was told."""
    site: str
    """Site."""


class Day(BaseModel):
    """A settled day. Null: not measured, or no price is known."""

    day: date
    """Civil day of the site."""
    slots: int
    """Quarter-hours of the day."""
    settled_slots: int
    """Those that are settled."""
    coverage_pct: float
    """Share of the day that was measured."""
    cost: Decimal | None
    """What its energy cost."""
    planned_cost: Decimal | None
    """What the plans in force would have cost."""
    no_battery_cost: Decimal | None
    """What it would have cost without a battery."""
    no_battery_saving: Decimal | None
    """Saved against that, the stored energy's value included."""
    self_use_cost: Decimal | None
    """What the device's own logic would have cost."""
    self_use_saving: Decimal | None
    """Saved against that, the stored energy's value included."""
    genset_cost: Decimal | None
    """Fuel, starts and service of generating sets, of the cost; null: no set."""
    no_genset_cost: Decimal | None
    """What it would have cost had no generating set run; null: no set."""
    no_genset_saving: Decimal | None
    """Saved against that; a charge on the peak is not counted."""
    no_genset_over_kwh: float | None
    """Of that what the connection would not have carried, and nobody could have had; null: no set."""
    import_peak_kw: float | None
    """Highest quarter-hour bought; the month's highest may bear a charge."""
    no_genset_peak_kw: float | None
    """The same had no generating set run; null: no set."""
    genset_kwh: float | None
    """Made by generating sets; null: no set."""
    import_kwh: float | None
    """Bought."""
    export_kwh: float | None
    """Sold."""
    consumption_kwh: float | None
    """Consumed."""
    pv_kwh: float | None
    """Made by PV."""
    is_provisional: bool | None
    """A price of it is not final."""
    is_restated: bool
    """The same quarter-hours have another cost than before."""
    known_at: AwareDatetime
    """When it was settled last."""


class Decision(BaseModel):
    """The head of the plan behind a quarter-hour."""

    plan_id: UUID
    """Number of the plan."""
    kind: str
    """`daily` or `rolling`."""
    decided_at: AwareDatetime
    """Nothing known later was used."""
    recorded_at: AwareDatetime
    """Since when it may be followed."""
    status: str
    """Of the solver."""
    is_verified: bool
    """The independent verifier found nothing."""
    gap_frac: float | None
    """Proven distance to the best plan there is."""
    config_hash: str
    """Version of the site's document."""
    code_version: str
    """Version of this program."""
    made_with: dict[str, Any] | None
    """Options and libraries of the solve; null: not recorded."""


class Device(BaseModel):
    """A device of a site file, and how it behaves."""

    id: str
    """`site.device`."""
    site: str
    """Site."""
    device: str
    """Key."""
    map: str
    """Point map that describes it."""
    gateway: str
    """Gateway it answers behind."""
    unit_id: int
    """Its unit id there."""
    state: str
    """`ok`, `degraded`, `open` (left alone for a while), `half-open` (tried once), `unknown`."""
    last_attempt_at: AwareDatetime | None
    """When it was asked last; null: never."""
    last_seen_at: AwareDatetime | None
    """Last good answer; null: never."""
    error_streak: int
    """Errors since then."""
    last_error: str | None
    """Text of the last error."""
    open_alarms: int
    """Open alarms of the device."""


class Devices(BaseModel):
    """Devices of active sites."""

    total: int
    """Devices that were ever asked."""
    online: int
    """Those that answered last time."""
    faulty: int
    """Those that did not."""


class DiscoverWish(BaseModel):
    """Where to look."""

    model_config = ConfigDict(
        extra="forbid",
    )
    site: str
    """Site."""


class Document(BaseModel):
    """What a site's file says, with every default written out."""

    site: str
    """Site."""
    config_hash: str
    """Version."""
    document: dict[str, Any]
    """The document; secrets never stand in it."""


class DraftLevelSeen(BaseModel):
    """A level as the document tells of it."""

    level: str
    """Name."""
    hours: float | None
    """Hours; null: not said, or said differently."""
    months: int | None
    """Months; null: not said, or said differently."""
    page: int
    """Page of the document."""
    line: int
    """Line of the page."""
    doubts: list[str]
    """What is doubted."""


class DraftTaskSeen(BaseModel):
    """A task as the document tells of it; what it does not say is null."""

    code: str
    """Code that it would get."""
    text: str
    """Text."""
    level: str | None
    """Level."""
    hours: float | None
    """Interval of its own, hours; null: that of its level."""
    months: int | None
    """Interval of its own, months; null: that of its level."""
    kind: str | None
    """Kind of work."""
    system: str | None
    """Part of the engine."""
    page: int
    """Page of the document."""
    line: int
    """Line of the page."""
    doubts: list[str]
    """What is doubted."""
    is_interval_known: bool
    """False: it has one of its own that was not understood."""
    by: Literal["rules", "model"]
    """Who read it."""


class Filed(BaseModel):
    """A request was filed. Nothing is said of its effect: that stands at its address once it has ended."""

    request_id: str | None
    """Number of the request; null: a dry run filed nothing."""
    state: str = "queued"
    """Where it stands; `dry-run`: nowhere."""
    href: str | None
    """Where to follow it; null: nowhere."""


class Finding(BaseModel):
    """A line that was left open and keeps no level due."""

    finding_id: int
    """Number."""
    code: str
    """Code of the task."""
    text: str
    """What is to be done."""
    note: str
    """Remark of whoever left it."""
    due_on: date
    """To be done by this day."""
    closed_at: AwareDatetime | None
    """Done; null: open."""
    closed_by: str | None
    """By whom."""
    remedy: str | None
    """What was done about it."""


class Flow(BaseModel):
    """The bus: grid + pv + battery + genset = load + ev + heat pump. Null: not measured lately, or too old."""

    grid_kw: float | None
    """Grid; > 0 imports."""
    pv_kw: float | None
    """PV; 0 where the site has none."""
    battery_kw: float | None
    """Batteries; > 0 discharge."""
    genset_kw: float | None
    """Generating sets."""
    ev_kw: float | None
    """Chargers."""
    heat_pump_kw: float | None
    """Heat pumps."""
    load_kw: float | None
    """What is left: the house without planned devices."""
    soc_pct: float | None
    """Charge of the batteries."""
    as_of: AwareDatetime | None
    """The oldest of these measurements; null: there is none."""
    is_stale: bool
    """Something of it is missing or older than five minutes."""


class FoundBattery(BaseModel):
    """A battery that answered a broadcast in the pipeline's network."""

    ble_mac: str
    """Bluetooth address; it keeps it wherever it answers."""
    name: str
    """Model and the last digits of that address."""
    model: str
    """What it says it is."""
    firmware: float | None
    """Its firmware."""
    address: str
    """Where it answered from."""
    udp_port: int
    """And from which port."""
    wifi_mac: str | None
    """Address of its network card."""
    is_active: bool
    """It answered when it was looked for last."""
    first_seen_at: AwareDatetime
    """It answered first."""
    last_seen_at: AwareDatetime
    """It answered last."""
    site: str | None
    """The site whose file names it; null: none does."""
    gateway: str | None
    """As which gateway."""


class GensetAlarm(BaseModel):
    """An alarm of a controller, from its first cause until it is over."""

    genset_alarm_id: int
    """Number."""
    site: str
    """Site."""
    device: str | None
    """Controller; null: the road to all controllers of the site."""
    source: Literal["bit", "limit", "link"]
    """Who says so: the controller, a limit of ours, the link."""
    group: Literal["shutdown", "trip_stop", "safety_trip_stop", "trip", "safety_trip", "mains_trip", "block", "warning"]
    """What the controller does about it."""
    name: str
    """Which alarm, as the controller's map calls it."""
    title: str
    """The same in English."""
    severity: Literal["warning", "critical"]
    """How grave to people."""
    shown_as: Literal[
        "unacknowledged", "acknowledged", "returned", "latched", "normal", "shelved", "suppressed", "out_of_service"
    ]
    """What hides it, else its state."""
    state: Literal["unacknowledged", "acknowledged", "returned", "latched", "normal"]
    """State, whatever hides it."""
    quality: Literal["good", "bad"]
    """`bad`: its controller is not heard, and it is as heard last."""
    first_raised_at: AwareDatetime
    """When its cause came first."""
    raised_at: AwareDatetime
    """When its cause came last."""
    returned_at: AwareDatetime | None
    """When its cause went; null: it is there."""
    times: int
    """How often its cause has come."""
    trouble_at: AwareDatetime | None
    """When its trouble began; null: it stops nothing, and has no place."""
    place: int | None
    """In the order of its trouble; 1: it came first. Those of one poll tie."""
    acknowledged_at: AwareDatetime | None
    """When somebody said that he knows; null: nobody did."""
    acknowledged_by: str | None
    """Who was first."""
    suppressed_by: str | None
    """What hides it by design: `link`, `resting`."""
    removed_for: str | None
    """Why its controller is out of service."""
    shelved_until: AwareDatetime | None
    """Until when it is shelved."""
    shelved_by: str | None
    """Who shelved it."""
    shelved_reason: str | None
    """Why."""
    ended_at: AwareDatetime | None
    """When it was over; null: it stands."""


class GensetAlarmRate(BaseModel):
    """A site's alarms between two instants; what was hidden when it came is not counted."""

    site: str
    """Site."""
    raised: int
    """How many came."""
    per_day: float
    """A day."""
    judged: Literal["good", "much", "too_much"]
    """`good` to 150 a day, `much` to 300."""
    flood_pct: float
    """Share of the ten minutes in which ten or more came."""
    most_in_ten_minutes: int
    """The most that came in ten minutes."""
    median_ack_s: float | None
    """Until somebody knew, half of them; null: nobody ever did."""
    p90_ack_s: float | None
    """Until somebody knew, nine of ten."""
    unacknowledged: int
    """That stand and nobody knows of, now."""
    stale: int
    """That had stood for more than a day at the end."""
    shelved: int
    """That are shelved, now."""
    by_group: dict[str, int]
    """How many of each group."""


class GensetAlarmStep(BaseModel):
    """A row of the journal."""

    step_id: int
    """Number."""
    genset_alarm_id: int
    """The alarm."""
    site: str
    """Site."""
    device: str | None
    """Controller."""
    group: Literal["shutdown", "trip_stop", "safety_trip_stop", "trip", "safety_trip", "mains_trip", "block", "warning"]
    """What the controller does about it."""
    name: str
    """Which alarm."""
    at: AwareDatetime
    """When."""
    what: Literal[
        "raised",
        "returned",
        "acknowledged",
        "shelved",
        "unshelved",
        "suppressed",
        "unsuppressed",
        "removed",
        "restored",
    ]
    """What happened."""
    state: Literal["unacknowledged", "acknowledged", "returned", "latched", "normal"]
    """The state after it."""
    by_whom: str | None
    """Who did it; null: it happened."""
    reason: str
    """Why; empty: it was not said."""


class GensetAlarmWhole(BaseModel):
    """An alarm with its steps, and of a shutdown the minute before and after it."""

    genset_alarm_id: int
    """Number."""
    site: str
    """Site."""
    device: str | None
    """Controller; null: the road to all controllers of the site."""
    source: Literal["bit", "limit", "link"]
    """Who says so: the controller, a limit of ours, the link."""
    group: Literal["shutdown", "trip_stop", "safety_trip_stop", "trip", "safety_trip", "mains_trip", "block", "warning"]
    """What the controller does about it."""
    name: str
    """Which alarm, as the controller's map calls it."""
    title: str
    """The same in English."""
    severity: Literal["warning", "critical"]
    """How grave to people."""
    shown_as: Literal[
        "unacknowledged", "acknowledged", "returned", "latched", "normal", "shelved", "suppressed", "out_of_service"
    ]
    """What hides it, else its state."""
    state: Literal["unacknowledged", "acknowledged", "returned", "latched", "normal"]
    """State, whatever hides it."""
    quality: Literal["good", "bad"]
    """`bad`: its controller is not heard, and it is as heard last."""
    first_raised_at: AwareDatetime
    """When its cause came first."""
    raised_at: AwareDatetime
    """When its cause came last."""
    returned_at: AwareDatetime | None
    """When its cause went; null: it is there."""
    times: int
    """How often its cause has come."""
    trouble_at: AwareDatetime | None
    """When its trouble began; null: it stops nothing, and has no place."""
    place: int | None
    """In the order of its trouble; 1: it came first. Those of one poll tie."""
    acknowledged_at: AwareDatetime | None
    """When somebody said that he knows; null: nobody did."""
    acknowledged_by: str | None
    """Who was first."""
    suppressed_by: str | None
    """What hides it by design: `link`, `resting`."""
    removed_for: str | None
    """Why its controller is out of service."""
    shelved_until: AwareDatetime | None
    """Until when it is shelved."""
    shelved_by: str | None
    """Who shelved it."""
    shelved_reason: str | None
    """Why."""
    ended_at: AwareDatetime | None
    """When it was over; null: it stands."""
    steps: list[GensetAlarmStep]
    """Its steps, the first one first."""
    around: Around | None
    """Of a shutdown; null: it is none."""


class GensetBadActor(BaseModel):
    """An alarm that comes often."""

    site: str
    """Site."""
    device: str | None
    """Controller; null: the road to all of the site."""
    group: str
    """What the controller does about it."""
    name: str
    """Which alarm."""
    title: str
    """The same in English."""
    raised: int
    """How often it came."""
    share_pct: float
    """Of all alarms of its site."""
    chattered: int
    """How often it came for the third time within a minute."""
    came_first: int
    """In how many troubles it came first."""
    median_ack_s: float | None
    """Until somebody knew, half of them."""


class GensetRemoval(BaseModel):
    """A controller that is out of service: its alarms live on, and nobody is told of them."""

    site: str
    """Site."""
    device: str
    """Controller."""
    reason: str
    """Why."""
    removed_at: AwareDatetime
    """Since when."""
    removed_by: str
    """By whom."""


class Given(BaseModel):
    """A new token; the text is not stored and not shown again."""

    token: str
    """to be sent as Authorization: Bearer"""
    token_id: UUID
    """number of the token"""
    name: str
    """of the program"""
    resources: list[str]
    """what it may do"""
    sites: list[str] | None
    """null: all"""
    expires_at: AwareDatetime
    """until when it counts"""


class Goal(BaseModel):
    """What somebody wants the plan to reach; null: as usual."""

    goal_id: int | None
    """Number; null: a dry run filed nothing."""
    site: str
    """Site."""
    asset: str
    """Asset: a charger or a heat pump."""
    starts_at: AwareDatetime
    """From when."""
    ends_at: AwareDatetime
    """Until when."""
    source: Literal["any", "solar", "min-solar"] | None
    """What the car is charged from."""
    energy_wh: float | None
    """Energy at the wall in this stay of the car, with what it has had in it."""
    ready_at: AwareDatetime | None
    """When the car leaves; null: as usual."""
    comfort_min_c: float | None
    """Lower edge of the comfort band."""
    comfort_max_c: float | None
    """Upper edge of the comfort band."""
    reason: str
    """Why, as it was said; empty: it was not."""
    created_at: AwareDatetime | None
    """When it was filed; null: it was not."""
    created_by: str
    """By whom."""
    cancelled_at: AwareDatetime | None
    """Taken back early; null: it was not."""


class GoalWish(BaseModel):
    """A goal to be filed: of a charger a source, energy or an hour, of a heat pump an edge of its band."""

    model_config = ConfigDict(
        extra="forbid",
    )
    asset: str
    """A charger or a heat pump."""
    source: Literal["any", "solar", "min-solar"] | None = None
    """`solar`: only what the sun leaves; `min-solar`: the least power always, more of the sun."""
    energy_wh: float | None = None
    """Energy at the wall in this stay, with what the car has had in it."""
    ready_at: AwareDatetime | None = None
    """When the car leaves."""
    comfort_min_c: float | None = None
    """Lower edge of the band."""
    comfort_max_c: float | None = None
    """Upper edge of the band."""
    starts_at: AwareDatetime | None = None
    """From when; now."""
    ends_at: AwareDatetime | None = None
    """Until when; when the car leaves, else a day."""
    duration_minutes: int | None = None
    """Or how long."""
    reason: str = ""
    """Why, in a few words: the journal says it beside what was told."""


class Heard(BaseModel):
    """What became of an event."""

    is_taken: bool
    """Whether it is about a task; the next look is earlier then."""


class IntervalInput(BaseModel):
    """An interval of a level of which the document says none."""

    model_config = ConfigDict(
        extra="forbid",
    )
    hours: float | None = None
    """Hours; null: the calendar alone."""
    months: int | None = None
    """Months; null: hours alone."""


class IntervalOutput(BaseModel):
    """A level of service of a set, as it stands."""

    set_id: str
    """Site and genset."""
    site: str
    """Site."""
    asset: str
    """Genset."""
    template_id: int
    """Version of the template that counts."""
    level: str
    """Level."""
    interval_h: float | None
    """Interval in hours of running; null: the calendar alone."""
    interval_months: int | None
    """Interval by the calendar; null: hours alone."""
    meter_h: float | None
    """Hours of running as they are counted; null: nothing was read yet."""
    last_h: float | None
    """Hours at which it was done last."""
    last_at: AwareDatetime | None
    """When it was done last; null: nobody knows, so it is due now."""
    due_h: float | None
    """Due at so many hours."""
    due_at: AwareDatetime | None
    """Due by the calendar; whichever comes first counts."""
    hours_left: float | None
    """Hours left; negative: past it."""
    days_left: float | None
    """Days left by the calendar; negative: past it."""
    expected_at: AwareDatetime | None
    """When it is expected to be due, from two weeks of running and the plan."""
    severity: Literal["ok", "warning", "critical", "overdue"]
    """How it stands."""
    is_held: bool
    """Past its tolerance: the planner starts the set no more."""


class Item(BaseModel):
    """A line of a checklist, and what became of it."""

    code: str
    """Code of the task."""
    level: str
    """Level of the task."""
    system: str
    """Part of the set."""
    kind: str
    """`check`, `clean`, `adjust`, `test` or `replace`."""
    text: str
    """What is to be done."""
    minutes: int
    """Work of one person."""
    is_critical: bool
    """While it is open its level stays due."""
    needs_standstill: bool
    """The engine has to stand."""
    consumable: str | None
    """What it uses up."""
    quantity: str | None
    """How much of it."""
    accept: str | None
    """When it is good."""
    unit: str | None
    """Unit of the value that is asked; null: none is."""
    result: Literal["done", "not", "na"] | None
    """`na`: does not apply; null: not answered yet."""
    value: str | None
    """What was measured, as it was written."""
    note: str
    """Remark."""
    photos: list[str]
    """References to pictures in the owner's own store."""
    answered_at: AwareDatetime | None
    """Last answer."""
    answered_by: str | None
    """By whom."""


class ItemAnswer(BaseModel):
    """What became of a line."""

    model_config = ConfigDict(
        extra="forbid",
    )
    result: Literal["done", "not", "na"] | None
    """`na`: it does not apply; null: not answered yet."""
    value: str | None = None
    """What was measured, as written."""
    note: str = ""
    """Remark."""
    photos: list[str] = []
    """References to pictures in your own store; none are kept here."""


class KnownInput(BaseModel):
    """That somebody knows."""

    model_config = ConfigDict(
        extra="forbid",
    )
    reason: str = ""
    """Why, in a few words: the journal says it beside what was told."""


class KnownArray(BaseModel):
    """What was expected of an array."""

    p10_kw: float | None
    """It is below this once in ten."""
    p90_kw: float | None
    """It is above this once in ten."""
    power_kw: float | None
    """Expected."""
    model: str
    """Who said so."""
    known_at: AwareDatetime
    """Since when."""
    asset: str
    """The array."""


class KnownPower(BaseModel):
    """What was expected of a power, as known at the decision."""

    p10_kw: float | None
    """It is below this once in ten."""
    p90_kw: float | None
    """It is above this once in ten."""
    power_kw: float | None
    """Expected."""
    model: str
    """Who said so."""
    known_at: AwareDatetime
    """Since when."""


class KnownPrice(BaseModel):
    """What a kWh was to cost, as known at the decision."""

    buy_per_kwh: Decimal | None
    """Buying."""
    sell_per_kwh: Decimal | None
    """Selling."""
    spot_per_kwh: Decimal | None
    """Of the market, without tariff."""
    is_provisional: bool
    """The exchange rate was not final."""
    known_at: AwareDatetime
    """Since when."""


class LastDone(BaseModel):
    """When a level was done last, as somebody knows who has the papers."""

    model_config = ConfigDict(
        extra="forbid",
    )
    level: str
    """Level."""
    done_h: float | None = None
    """Hours of running then; needed where hours count."""
    done_at: AwareDatetime
    """When."""


class Listed(BaseModel):
    """A token without its text."""

    token_id: UUID
    """number of the token"""
    name: str
    """of the program"""
    note: str
    """what it is for"""
    resources: list[str]
    """what it may do"""
    sites: list[str] | None
    """null: all"""
    created_at: AwareDatetime
    """when it was given"""
    created_by: str
    """who gave it"""
    expires_at: AwareDatetime
    """until when it counts"""
    last_used_at: AwareDatetime | None
    """to the minute; null: never"""
    state: Literal["valid", "expired", "revoked"]
    """whether it counts"""


class Lock(BaseModel):
    """Why nobody starts a set from afar."""

    lock_id: int | None
    """Number; null: a dry run placed nothing."""
    site: str
    """Site."""
    device: str
    """Controller."""
    source: Literal["person", "order"]
    """`order`: an open order that wants the engine stopped."""
    reason: str
    """Why."""
    placed_at: AwareDatetime | None
    """Since when."""
    placed_by: str
    """By whom."""
    lifted_at: AwareDatetime | None
    """Until when; null: it is open."""


class LockWish(BaseModel):
    """A lock to be placed."""

    model_config = ConfigDict(
        extra="forbid",
    )
    reason: str
    """Why, in one line."""


class LoggedIn(BaseModel):
    """A session began; its cookie is in the answer's header."""

    name: str
    """who logged in"""
    csrf_token: str
    """to be sent as X-CSRF-Token with every write of this session"""


class Login(BaseModel):
    """Name and password, as entered with `ems user add`."""

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    """who"""
    password: str
    """their password"""


class Me(BaseModel):
    """Who asks, and what they may."""

    name: str
    """who asks"""
    kind: Literal["person", "program"]
    """by login or by token"""
    role: Literal["viewer", "operator", "owner", "analyst", "program"]
    """from which the rights of a person follow"""
    resources: list[str]
    """what may be done, NOUN:read or NOUN:write"""
    sites: list[str] | None
    """sites that exist for the caller; null: all"""
    csrf_token: str | None
    """of the session, for X-CSRF-Token; null for programs"""


class MeasuredSlot(BaseModel):
    """The bus in a quarter-hour. Null: a part that exists did not answer; 0: the site has no such part."""

    starts_at: AwareDatetime
    """Begin of the quarter-hour."""
    grid_kw: float | None
    """Grid; > 0 imports."""
    pv_kw: float | None
    """PV."""
    battery_kw: float | None
    """Batteries; > 0 discharge."""
    genset_kw: float | None
    """Generating sets."""
    ev_kw: float | None
    """Chargers."""
    heat_pump_kw: float | None
    """Heat pumps."""
    load_kw: float | None
    """The house without planned devices."""
    soc_pct: float | None
    """Charge of the batteries at the end."""
    indoor_c: float | None
    """Room temperature."""
    outdoor_c: float | None
    """Outdoor temperature."""
    coverage_pct: float | None
    """Share of the quarter-hour that was measured."""


class Measurement(BaseModel):
    """One answer of a device."""

    device: str
    """Device."""
    quantity: str
    """What was measured."""
    unit: str
    """Unit of the value."""
    value: float | None
    """Null: nothing was delivered."""
    quality: int
    """0 good, 6 at rest (counts as measured); others are doubtful or missing."""
    reason: str | None
    """Why it is missing or doubtful."""
    reported_at: AwareDatetime
    """When the device spoke."""


class Meter(BaseModel):
    """Hours of running of a set."""

    site: str
    """Site."""
    asset: str
    """Genset."""
    hours: float | None
    """The sum that counts; null: nothing was read yet."""
    register_h: float | None
    """What the register said when it was believed last."""
    read_at: AwareDatetime | None
    """When."""
    doubted_h: float | None
    """A reading that no running explains; null: none. It adds nothing."""
    doubt: str | None
    """Why it is doubted."""
    typed_h: float | None
    """Newest reading that a person typed."""
    typed_at: AwareDatetime | None
    """When it was read."""
    planned_day_h: float | None
    """Planned turning in the next 24 h; null: it has no plan."""
    planned_h: float | None
    """The same to the end of the plan, with lead and cool-down."""
    planned_until: AwareDatetime | None
    """Where the plan ends."""


class MeterEntry(BaseModel):
    """What a person says of a meter."""

    model_config = ConfigDict(
        extra="forbid",
    )
    site: str
    """Site."""
    asset: str
    """Genset."""
    kind: Literal["read", "replaced", "accepted", "corrected"]
    """`read` now, `replaced` by another, `accepted` as it reads, or the sum `corrected`."""
    hours: float
    """What it shows; of `accepted` what was run since; of `corrected` the sum."""
    old_h: float | None = None
    """Where the old register ended, of a meter that was replaced."""
    at: AwareDatetime | None = None
    """When; now."""
    reason: str = ""
    """Why, in a few words: the journal says it beside what was told."""


class Metric(BaseModel):
    """One value of one controller."""

    site: str
    """Site."""
    device: str
    """Device."""
    name: str
    """Name; the unit is its end."""
    value: float | str | bool | None
    """Number, state or bit; null: not known."""
    quality: str
    """Of the controller it is of."""
    taken_at: AwareDatetime | None
    """When it was read."""


class Naming(BaseModel):
    """Another name, or a note, for a token that was given here."""

    model_config = ConfigDict(
        extra="forbid",
    )
    token_id: UUID
    """number of the token"""
    name: str | None = None
    """another name; null: as it is"""
    note: str | None = None
    """what it is for; null: as it is"""


class NewSchedule(BaseModel):
    """A schedule: a name, an asset, a mode, and when."""

    model_config = ConfigDict(
        extra="forbid",
    )
    asset: str
    """Asset, or fleet of batteries."""
    mode: str
    """Mode of the asset."""
    power_kw: float | None = None
    """Power of a battery or a genset in that mode, instead of a limit."""
    limits: dict[str, float] | None = None
    """Limits of the mode, units in their names."""
    days: list[int] | None = None
    """0 Monday to 6 Sunday."""
    start: str | None = None
    """Begin on the site's wall clock."""
    end: str | None = None
    """End; earlier than the begin: on the next day."""
    from_date: str | None = None
    """First day it begins on."""
    until_date: str | None = None
    """Last day it begins on."""
    active: bool | None = None
    """Whether it acts."""
    site: str
    """Site."""
    key: str
    """Its name in the site's file."""


class OptimizeWish(BaseModel):
    """What a plan is asked for."""

    model_config = ConfigDict(
        extra="forbid",
    )
    objective: str = "cost"
    """What is made small."""


class Order(BaseModel):
    """A service: to be done, done, or cancelled."""

    task_id: int
    """Number."""
    site: str
    """Site."""
    asset: str
    """Genset."""
    template_id: int
    """Version of the template it was made from."""
    level: str
    """Level."""
    state: Literal["open", "done", "cancelled"]
    """Where it stands."""
    note: str
    """Why it was made."""
    created_at: AwareDatetime
    """Made."""
    created_by: str
    """By whom."""
    started_at: AwareDatetime | None
    """First line answered; null: nobody is at it yet."""
    items: int
    """Lines."""
    answered: int
    """Lines that are answered."""
    critical_open: int
    """Critical lines that are not done."""
    minutes: int
    """Work of one person."""
    done_h: float | None
    """Hours of running when it was done."""
    done_at: AwareDatetime | None
    """When it was done."""
    done_by: str | None
    """Who completed it."""
    closed_levels: list[str]
    """Levels that it closed."""


class OrderWish(BaseModel):
    """A service that is to be done."""

    model_config = ConfigDict(
        extra="forbid",
    )
    site: str
    """Site."""
    asset: str
    """Genset."""
    level: str
    """Level; it includes those below."""
    note: str = ""
    """Remark."""


class OtherContract(BaseModel):
    """Another price of energy; network, levies and what is paid for export stay those of the site's contract."""

    model_config = ConfigDict(
        extra="forbid",
    )
    kind: Literal["fixed", "spot"]
    """A fixed price, or the market's."""
    per_kwh: float
    """The price, or what is taken on top of the market's; before VAT."""
    low_per_kwh: float | None = None
    """A fixed price in the network's low register; before VAT."""
    monthly: float | None = None
    """All fees of a month before VAT; null: as today."""


class Override(BaseModel):
    """A wish of somebody for an asset."""

    override_id: int
    """Number."""
    site: str
    """Site."""
    asset: str
    """Asset."""
    mode: str
    """What it is to do."""
    limits: dict[str, Any]
    """Limits of the mode, unit in the name."""
    starts_at: AwareDatetime
    """From when."""
    ends_at: AwareDatetime
    """Until when."""
    created_at: AwareDatetime
    """When it was filed."""
    created_by: str
    """By whom."""
    reason: str
    """Why, as it was said; empty: it was not."""
    cancelled_at: AwareDatetime | None
    """Taken back early; null: it was not."""


class OverrideFiled(BaseModel):
    """An override was filed: a wish below envelope and grid limit. Nothing is said of its effect."""

    override_id: int | None
    """Number; null: a dry run filed nothing."""
    site: str
    """Site."""
    asset: str
    """Asset."""
    mode: str
    """What it is to do."""
    limits: dict[str, float]
    """Limits of the mode, unit in the name."""
    starts_at: AwareDatetime
    """From when."""
    ends_at: AwareDatetime
    """Until when; the plan holds again from the next quarter-hour's control on."""
    reason: str
    """Why, as it was said; empty: it was not."""
    href: str | None
    """Where it is listed, and taken back; null: nowhere."""


class OverrideWish(BaseModel):
    """An override to be filed."""

    model_config = ConfigDict(
        extra="forbid",
    )
    asset: str
    """Asset of the site."""
    mode: str
    """Mode of the asset."""
    limits: dict[str, float] = {}
    """Limits of the mode."""
    starts_at: AwareDatetime | None = None
    """From when; now."""
    ends_at: AwareDatetime | None = None
    """Until when."""
    duration_minutes: int | None = None
    """Or how long; an hour."""
    reason: str = ""
    """Why, in a few words: the journal says it beside what was told."""


class PartUsed(BaseModel):
    """A part that was used."""

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    """Part."""
    quantity: float | None = None
    """How many or how much."""
    unit: str | None = None
    """Unit of the quantity."""


class PlanChange(BaseModel):
    """Another template for a set, or what is known of its last services (an overhaul begins anew at its hours)."""

    model_config = ConfigDict(
        extra="forbid",
    )
    template_id: int | None = None
    """Version of a template; null: that of now."""
    last: Annotated[list[LastDone], Field(validate_default=True)] = []
    """Levels of which somebody knows; others are due now."""


class PlanWish(BaseModel):
    """A set is to be serviced by a template."""

    model_config = ConfigDict(
        extra="forbid",
    )
    site: str
    """Site."""
    asset: str
    """Genset."""
    template_id: int
    """Version of a template."""
    last: Annotated[list[LastDone], Field(validate_default=True)] = []
    """Levels of which somebody knows; others are due now."""


class PlannedAsset(BaseModel):
    """What one asset is to do in a quarter-hour."""

    asset: str
    """Key of the asset."""
    kind: str
    """`battery`, `pv`, `charger`, `heat-pump`, `genset`, `deferrable`."""
    power_kw: float | None
    """Battery > 0 discharges; PV and genset produce, others consume."""
    mode: str
    """Mode as the device understands it."""
    limits: dict[str, Any]
    """Limits of the mode, unit in the name."""
    state: float | None
    """At the end: charge in %, temperature in °C, energy charged in Wh."""
    reason: str
    """Why."""
    stored_value_per_kwh: Decimal | None
    """What a kWh more in its store would be worth; null: it has none."""


class PlannedNow(BaseModel):
    """What is to be done in this quarter-hour."""

    mode: str
    """What the batteries are to do."""
    reason: str
    """Why, in one sentence."""
    grid_kw: float | None
    """Planned grid power."""
    battery_kw: float | None
    """Planned battery power."""
    decided_at: AwareDatetime
    """When that was decided."""
    until: AwareDatetime
    """From when on another mode is planned, or the end of the plan."""


class PlannedSlot(BaseModel):
    """The site's bus in a planned quarter-hour: grid + pv + battery + genset = load + ev + heat pump."""

    starts_at: AwareDatetime
    """Begin of the quarter-hour."""
    grid_kw: float | None
    """Grid; > 0 imports."""
    pv_kw: float | None
    """PV as used."""
    pv_available_kw: float | None
    """PV before curtailment."""
    battery_kw: float | None
    """Batteries; > 0 discharge."""
    genset_kw: float | None
    """Generating sets."""
    load_kw: float | None
    """House without planned devices."""
    ev_kw: float | None
    """Chargers."""
    heat_pump_kw: float | None
    """Heat pumps."""
    soc_pct: float | None
    """Charge of the batteries at the end."""
    indoor_c: float | None
    """Room temperature at the end."""
    buy_per_kwh: Decimal | None
    """Buying one kWh."""
    sell_per_kwh: Decimal | None
    """Selling one kWh."""
    cost: Decimal | None
    """Energy cost of the quarter-hour."""
    mode: str
    """What the batteries are to do."""
    reason: str
    """Why, in one sentence."""
    marginal_value_per_kwh: Decimal | None
    """What one more kWh would be worth here."""
    binding: str
    """Limits that decided."""
    next_best_action: str | None
    """The next best action of a battery."""
    next_best_cost: Decimal | None
    """What that would cost more."""
    assets: list[PlannedAsset]
    """What each asset is to do."""


class PlannerChange(BaseModel):
    """Who took over, when, and why."""

    changed_at: AwareDatetime
    """Plans decided later are this planner's."""
    planner: str
    """Who took over."""
    former: str
    """Who planned before."""
    changed_by: str
    """By whom; `ems`: by itself."""
    reason: str
    """Why."""


class PlannerDay(BaseModel):
    """A day under the live planner and under the one beside it, both modelled; and as it was measured."""

    day: date
    """Local day."""
    live: str
    """Who planned."""
    shadow: str
    """Who planned beside it."""
    net_cost: Decimal | None
    """Under the live planner, less what stayed in the cells."""
    shadow_net_cost: Decimal | None
    """The same under the other."""
    gain: Decimal | None
    """What the other would have paid less."""
    measured_net_cost: Decimal | None
    """As it was measured."""
    refused: str | None
    """Why the day is not compared; null: it is."""


class PlannerVerdict(BaseModel):
    """What the planner beside the live one had shown by a night."""

    judged_at: AwareDatetime
    """When."""
    live: str
    """Who planned."""
    shadow: str
    """Who planned beside it."""
    days: int
    """Days compared."""
    gain: Decimal | None
    """What it would have paid less on these days."""
    gain_low: Decimal | None
    """Lower end of the 95 % interval."""
    gain_high: Decimal | None
    """Upper end."""
    outcome: Literal["wait", "wins", "not shown"]
    """`wins`: it may take over."""


class Planners(BaseModel):
    """What is known of a site's planners."""

    site: str
    """Site."""
    currency: str
    """Currency of its money."""
    verdict: PlannerVerdict | None
    """The newest one; null: nobody planned beside the live planner."""
    changes: list[PlannerChange]
    """Newest first."""
    days: list[PlannerDay]
    """The last four weeks, newest first."""


class Power(BaseModel):
    """The power of all sites together; null as soon as one of them is not known."""

    pv_kw: float | None
    """PV."""
    load_kw: float | None
    """Houses without planned devices."""
    grid_kw: float | None
    """Grid; > 0 imports."""
    battery_kw: float | None
    """Batteries; > 0 discharge."""
    as_of: AwareDatetime | None
    """The oldest of these measurements."""


class PowerWish(BaseModel):
    """Charge or discharge for a while."""

    model_config = ConfigDict(
        extra="forbid",
    )
    power_kw: float
    """Power."""
    duration_minutes: int = 60
    """How long."""
    until_soc_pct: float | None = None
    """And no further than this charge."""
    reason: str = ""
    """Why, in a few words: the journal says it beside what was told."""


class Price(BaseModel):
    """What a quarter-hour costs at a site, tariff and taxes included."""

    starts_at: AwareDatetime
    """Begin of the quarter-hour."""
    buy_per_kwh: Decimal
    """Buying one kWh."""
    sell_per_kwh: Decimal
    """Selling one kWh."""
    spot_per_kwh: Decimal | None
    """The market's part of it; null: the contract has none."""
    currency: str
    """Currency."""
    is_provisional: bool
    """The exchange rate was not final."""
    known_at: AwareDatetime
    """Since when this is known."""


class Promoted(BaseModel):
    """Who plans from the next decision on."""

    site: str
    """Site."""
    planner: str
    """Who took over."""


class Promotion(BaseModel):
    """Why, in a few words; without it the numbers say."""

    model_config = ConfigDict(
        extra="forbid",
    )
    reason: str = ""
    """Why, in a few words: the journal says it beside what was told."""


class Quarter(BaseModel):
    """A quarter-hour's forecast: the middle, and the band that four of five measurements should hit."""

    start: AwareDatetime
    """Begin of the quarter-hour."""
    p10_kw: float | None
    """One of ten is below; null: the model tells no band."""
    p50_kw: float | None
    """Expected."""
    p90_kw: float | None
    """One of ten is above."""


class Question(BaseModel):
    """A token somebody wants to know about."""

    model_config = ConfigDict(
        extra="forbid",
    )
    token: str
    """the token itself"""


class QuietHours(BaseModel):
    """Hours of the wall clock in which nobody is disturbed; over midnight where they end before they begin."""

    model_config = ConfigDict(
        extra="forbid",
    )
    from_time: str
    """From when."""
    until_time: str
    """Until when."""
    zone: str
    """Time zone of both."""


class ReadWish(BaseModel):
    """How much is read."""

    model_config = ConfigDict(
        extra="forbid",
    )
    everything: bool = False
    """Counters and settings, too."""


class Regretted(BaseModel):
    """What a thing cost on a day. Null: not known by itself, and `missing` says why."""

    day: date
    """Civil day of the site."""
    part: str
    """What was to blame, as docs/audit.md has it; total: all together."""
    version: int
    """Above 1: corrected."""
    amount: Decimal | None
    """What it cost, net of what stays in the battery; below 0: it earned."""
    missing: str | None
    """Why there is no amount."""
    known_at: AwareDatetime
    """When it was split so."""


class Remedied(BaseModel):
    """What was done about a finding."""

    model_config = ConfigDict(
        extra="forbid",
    )
    remedy: str
    """In a few words."""


class Removal(BaseModel):
    """Why a controller is out of service."""

    model_config = ConfigDict(
        extra="forbid",
    )
    reason: str
    """Why, in a few words: the journal says it beside what was told."""


class Request(BaseModel):
    """Work that somebody asked for."""

    request_id: UUID
    """Number."""
    kind: str
    """What was asked for."""
    site: str | None
    """The site it is about; null: the installation."""
    parameters: dict[str, Any]
    """What it was asked with."""
    state: Literal["queued", "running", "done", "failed", "refused"]
    """`queued`, `running`, or how it ended: `done`, `failed` (tried), `refused` (never tried)."""
    requested_by: str
    """Who asked."""
    requested_at: AwareDatetime
    """When it was asked."""
    started_at: AwareDatetime | None
    """When its run began; null: not yet."""
    ended_at: AwareDatetime | None
    """When it ended; null: not yet."""
    run_id: str | None
    """The run that serves it, as Dagster calls it."""
    result: dict[str, Any] | None
    """What it brought; null: it has not ended well."""
    problem: str
    """Why it came to nothing and what mends it; empty: it did not."""


class Revoked(BaseModel):
    """A token that counts no more."""

    token_id: UUID
    """number of the token"""
    revoked_at: AwareDatetime
    """when it was taken back first"""


class Saving(BaseModel):
    """What a variant saved against the first one, of some of the days."""

    variant: str
    """Variant."""
    base: str
    """What it is compared with."""
    tariff: str
    """Tariff under it; `all`: all."""
    season: str
    """Season; `all`: all days."""
    homes: int
    """Homes."""
    days: int
    """Days under both."""
    currency: str
    """Of the amounts."""
    net_cost: float
    """Bill less what stayed stored."""
    base_net_cost: float
    """The same of what it is compared with."""
    saved: float
    """The difference."""
    saved_low: float
    """Lower end of its 95 % interval."""
    saved_high: float
    """Upper end of its 95 % interval."""


class ScanWish(BaseModel):
    """Where to look."""

    model_config = ConfigDict(
        extra="forbid",
    )
    site: str
    """Site."""
    gateway: str
    """Gateway of its file."""
    first: int = 1
    """First unit id."""
    last: int = 32
    """Last unit id."""


class Schedule(BaseModel):
    """What is wanted of an asset at fixed hours of the site's wall clock."""

    id: str
    """`site.schedule`."""
    site: str
    """Site."""
    key: str
    """Its name."""
    asset: str
    """Asset, or fleet of batteries."""
    mode: str
    """Mode of the asset."""
    limits: dict[str, float]
    """Limits of the mode."""
    days: list[int]
    """Days it begins on: 0 Monday to 6 Sunday."""
    weekday_mask: int
    """The same as bits: 1 Monday, 2 Tuesday, ... 64 Sunday."""
    start: str | None
    """Begin; null: the whole day."""
    end: str | None
    """End; earlier than its begin: on the next day."""
    from_date: str | None
    """First day it begins on; null: always."""
    until_date: str | None
    """Last day it begins on; null: always."""
    active: bool
    """It acts."""


class ScheduleChange(BaseModel):
    """What of a schedule is to be another; what is not named stays."""

    model_config = ConfigDict(
        extra="forbid",
    )
    asset: str | None = None
    """Asset, or fleet of batteries."""
    mode: str | None = None
    """Mode of the asset."""
    power_kw: float | None = None
    """Power of a battery or a genset in that mode, instead of a limit."""
    limits: dict[str, float] | None = None
    """Limits of the mode, units in their names."""
    days: list[int] | None = None
    """0 Monday to 6 Sunday."""
    start: str | None = None
    """Begin on the site's wall clock."""
    end: str | None = None
    """End; earlier than the begin: on the next day."""
    from_date: str | None = None
    """First day it begins on."""
    until_date: str | None = None
    """Last day it begins on."""
    active: bool | None = None
    """Whether it acts."""


class Score(BaseModel):
    """How good the forecasts of a model were, over all days of the window."""

    target: Literal["load", "pv"]
    """What was forecast."""
    horizon: str
    """How far ahead: `0-4 h`, `4-12 h`, `12-36 h`, `36 h+`, or `trial`."""
    model: str
    """What made it; `last-week` and `yesterday` are the references."""
    n: int
    """Quarter-hours with forecast and measurement."""
    days: int
    """Days of them."""
    mae_kw: float
    """Mean absolute error."""
    bias_kw: float
    """Mean error; > 0: forecast too high."""
    coverage_p80: float | None
    """Share of measurements inside the 80 % band."""
    vs_naive: float | None
    """1 - error / error of the reference; 0: as good as free."""


class SetAlarm(BaseModel):
    """An alarm that a controller shows."""

    group: str
    """What the controller does about it."""
    name: str
    """Which."""


class Shelf(BaseModel):
    """For how long an alarm is kept from people, and why."""

    model_config = ConfigDict(
        extra="forbid",
    )
    until_at: AwareDatetime | None = None
    """Until when."""
    duration_minutes: int | None = None
    """Or how long."""
    reason: str
    """Why, in a few words: the journal says it beside what was told."""


class SiteNow(BaseModel):
    """A site at this moment."""

    site: str
    """Site."""
    name: str
    """Name."""
    at: AwareDatetime
    """This moment."""
    authority: Literal["shadow", "disarmed", "armed"]
    """`shadow`: its file enables no control; `disarmed`: the second opt-in is missing; `armed`: it is steered."""
    armed_until: AwareDatetime | None
    """When the arm ends; null: there is none."""
    flow: Flow
    """The bus as last measured."""
    plan: PlannedNow | None
    """What is planned now; null: no plan holds."""
    buy_per_kwh: Decimal | None
    """Buying one kWh now; null: not known."""
    sell_per_kwh: Decimal | None
    """Selling one kWh now."""
    currency: str
    """Currency."""
    open_alarms: int
    """Alarms of the site that are open."""
    due_services: int
    """Services of gensets that are due or soon will be."""
    overrides: int
    """Overrides that hold now."""


class SiteShort(BaseModel):
    """A site, as a list tells it."""

    site: str
    """Key."""
    name: str
    """Name."""
    timezone: str
    """Its civil clock."""
    market_zone: str
    """Bidding zone of its prices, or `none`."""
    currency: str
    """Of its bill."""
    is_active: bool
    """Whether it is in service."""


class SiteWhole(BaseModel):
    """A site with its parts."""

    site: str
    """Key."""
    name: str
    """Name."""
    timezone: str
    """Its civil clock."""
    market_zone: str
    """Bidding zone of its prices, or `none`."""
    currency: str
    """Of its bill."""
    is_active: bool
    """Whether it is in service."""
    latitude: float
    """Latitude."""
    longitude: float
    """Longitude."""
    control_enabled: bool | None
    """The first opt-in, of its file; null: no document is known."""
    import_limit_kw: float | None
    """What it may draw from the grid."""
    export_limit_kw: float | None
    """What it may feed into the grid."""
    assets: list[Asset]
    """Its planned parts."""
    config_hash: str | None
    """Version of its document."""
    known_at: AwareDatetime | None
    """Since when that version holds."""


class SoFar(BaseModel):
    """The running day, as far as it is settled."""

    day: date
    """Civil day of the site."""
    cost: Decimal | None
    """What the settled quarter-hours cost; null: none is."""
    planned_cost: Decimal | None
    """What was planned for the same ones."""
    no_battery_cost: Decimal | None
    """What the same ones would have cost without a battery."""
    no_genset_cost: Decimal | None
    """What they would have cost had no generating set run; null: no set."""
    settled_slots: int
    """Quarter-hours that are settled."""
    past_slots: int
    """Quarter-hours that are over."""


class Stats(BaseModel):
    """Figures of one process, since its start."""

    requests_total: int
    """answered"""
    by_status: dict[str, int]
    """by status of HTTP"""
    p50_ms: float | None
    """half of the last 2000 took less, ms; null: there was none"""
    p95_ms: float | None
    """95 % of them, ms"""
    rate_limited: int
    """asked too often"""
    ws_clients: int
    """WebSockets that are open"""
    uptime_s: float
    """since the start of the process, s"""


class Step(BaseModel):
    """A step in the life of a set-point."""

    at: AwareDatetime
    """When."""
    state: str
    """What it became."""
    reason: str
    """Why."""
    measured: dict[str, Any]
    """What was measured then."""


class StoredDraft(BaseModel):
    """A regulation as it was read."""

    draft_id: int
    """Number."""
    source: str
    """Name of the document."""
    imported_at: AwareDatetime
    """Read."""
    imported_by: str
    """By whom."""
    levels: int
    """Levels."""
    tasks: int
    """Tasks."""
    unread: int
    """Lines that became nothing."""


class StoredTemplate(BaseModel):
    """A version of a template."""

    template_id: int
    """Number of the version."""
    template: str
    """Key of the template."""
    version: int
    """1, 2, ..."""
    name: str
    """Name."""
    source: str
    """Where its tasks come from."""
    licence: str
    """Under what they may be passed on."""
    levels: list[str]
    """Levels, the smallest first."""
    tasks: int
    """Tasks."""
    created_at: AwareDatetime
    """Stored."""
    created_by: str
    """By whom."""
    retired_at: AwareDatetime | None
    """No set is given it since; null: it may be given."""


class StudyRow(BaseModel):
    """A study, and what it came to so far."""

    study: str
    """Name."""
    asked_at: AwareDatetime
    """When it was asked for last."""
    lived_days: int
    """Days lived, of all homes and variants."""
    asked_days: int
    """Of so many in the months that are done."""
    savings: list[Saving]


class Subject(BaseModel):
    """What an event is about."""

    kind: str
    """`device`, `site` or `installation`."""
    id: str | None
    """Its key, `site` or `site.device`; null: the installation."""


class Sync(BaseModel):
    """A synchronisation that somebody wants now."""

    model_config = ConfigDict(
        extra="forbid",
    )
    again: bool = False
    """Add tasks again that were deleted in the portal."""


class Synced(BaseModel):
    """What was asked for; it is done within a minute."""

    added_again: int
    """Tasks that are to be added again."""


class TakenBack(BaseModel):
    """Which token: its number or its text."""

    model_config = ConfigDict(
        extra="forbid",
    )
    token_id: UUID | None = None
    """number of the token; null: its text is said"""
    token: str | None = None
    """the token itself; null: its number is said"""


class Task(BaseModel):
    """An order of maintenance as a task of the portal."""

    order_id: int
    """Number of the order."""
    site: str
    """Site."""
    key: str
    """What we call it there: a tag, and the end of the title."""
    task_id: int | None
    """Number of the task in the portal; null: it is not there yet."""
    state: Literal["wanted", "open", "unfinished", "done", "gone", "withdrawn"]
    """`unfinished`: closed with a critical line open; `gone`: deleted there."""
    problem: str
    """What somebody should look at; empty: nothing."""
    state_at: AwareDatetime
    """Since when it stands so."""


class TemplateWish(BaseModel):
    """A template as a document."""

    model_config = ConfigDict(
        extra="forbid",
    )
    document: dict[str, Any]
    """The template, as docs/maintenance.md describes it."""


class TempoDay(BaseModel):
    """A day of the contract: from 06:00 of it to 06:00 of the next, in Paris."""

    day: date
    """Day."""
    colour: Literal["blue", "white", "red"]
    """As announced last."""
    source: str
    """Who told it."""
    known_at: AwareDatetime
    """Since when it is known."""


class TempoSeason(BaseModel):
    """A season of the contract, 1 September to 31 August, so far."""

    first_day: date
    """Its first day."""
    red: int
    """Red days so far, announced ones included."""
    red_left: int
    """Red days to come."""
    white: int
    """White days so far."""
    white_left: int
    """White days to come."""
    unknown: int
    """Days so far whose colour is not stored: what is left may be less."""


class Told(BaseModel):
    """What a device was told, by which registers, and whether it obeyed. A power of `command` and `writes` is in W."""

    setpoint_id: int
    """Number."""
    device_key: str
    """Device."""
    source: str
    """Who decided: plan, schedule, override, grid, envelope, release."""
    is_shadow: bool
    """It was not sent: an opt-in is missing."""
    state: str
    """What became of it."""
    state_reason: str
    """Why."""
    reason: str
    """Why it was told."""
    command: dict[str, Any]
    """What it was told."""
    writes: list[list[Any]]
    """Its registers with their values, also those that stood already."""
    changes: list[str]
    """Registers that had to be written."""
    slot: AwareDatetime
    """The quarter-hour it was decided for."""
    valid_until: AwareDatetime
    """When it ends by itself."""
    intended_at: AwareDatetime
    """When it was journalled."""
    sent_at: AwareDatetime | None
    """When it was sent; null: it was not."""
    echoed_at: AwareDatetime | None
    """When it was read back."""
    effective_at: AwareDatetime | None
    """When its effect was measured."""
    ended_at: AwareDatetime | None
    """When it ended."""
    steps: list[Step]
    """Its life."""


class TrainWish(BaseModel):
    """What is to be trained."""

    model_config = ConfigDict(
        extra="forbid",
    )
    site: str
    """Site."""
    kind: Literal["load", "pv"] = "load"
    """Which model."""


class UnreadSeen(BaseModel):
    """A line that became nothing."""

    text: str
    """The line."""
    page: int
    """Page of the document."""
    line: int
    """Line of the page."""
    why: str
    """Why."""


class Validity(BaseModel):
    """What a token is worth."""

    valid: bool
    """whether it counts"""
    reason: Literal["bad_signature", "expired", "unknown", "revoked"] | None
    """why not; null: it is valid"""
    name: str | None = None
    """of the program"""
    resources: list[str] | None = None
    """what it may do"""
    expires_at: AwareDatetime | None = None
    """until when it counts"""


class Version(BaseModel):
    """A version of a site's document."""

    config_hash: str
    """Its name."""
    known_at: AwareDatetime
    """Since when it held."""
    recorded_at: AwareDatetime
    """When it was registered."""


class Wanted(BaseModel):
    """What a new token is for."""

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    """of the program"""
    list_of_resources: list[str]
    """what it may do: NOUN:read or NOUN:write; a bare noun is NOUN:read. No more than the giver may"""
    sites: list[str] | None = None
    """null: those of the giver"""
    ttl_s: int = 86400
    """how long it counts, s"""


class WhatIfVariant(BaseModel):
    """A variant over a year; the first is the site as it is. Money in the currency of the question."""

    variant: str
    """Name."""
    tariff: str
    """Tariff under it."""
    battery_kwh: float
    """Battery."""
    pv_kwp: float
    """PV."""
    days: int
    """Days that were lived."""
    bill: float
    """Bill of a year less what stayed stored."""
    saved: float
    """Saved a year against the site as it is."""
    saved_low: float
    """Lower end of its 95 % interval."""
    saved_high: float
    """Upper end of its 95 % interval."""
    invested: float | None
    """What is bought; null: its price was not said."""
    payback_years: float | None
    """Years until it is back; null: nothing is invested, no price was said, or it may never be."""
    payback_low: float | None
    """The same where most is saved."""
    payback_high: float | None
    """The same where least is saved."""
    cycles: float
    """Full cycles of the battery in a year."""
    wear: float
    """What they cost in a year by the site's price of wear; not in the bill."""


class WhatIfWish(BaseModel):
    """What is asked; where no size and no contract is named, a ladder of sizes is tried."""

    model_config = ConfigDict(
        extra="forbid",
    )
    battery_kwh: list[float] = []
    """Sizes, kWh; 0: none."""
    pv_kwp: list[float] = []
    """Peak powers of all PV, kWp."""
    contracts: Annotated[list[OtherContract], Field(validate_default=True)] = []
    """Other prices of energy."""
    battery_price_per_kwh: float | None = None
    """What a kWh of battery costs; null: nobody said."""
    pv_price_per_kwp: float | None = None
    """What a kWp of PV costs; null: nobody said."""


class WholeDraft(BaseModel):
    """A draft with all that stands in it."""

    draft_id: int
    """Number."""
    source: str
    """Name of the document."""
    imported_at: AwareDatetime
    """Read."""
    imported_by: str
    """By whom."""
    levels: int
    """Levels."""
    tasks: int
    """Tasks."""
    unread: int
    """Lines that became nothing."""
    language: str
    """Language of its texts."""
    missing: list[str]
    """What somebody has to say before it can become a template."""
    found_levels: list[DraftLevelSeen]
    """Levels."""
    found_tasks: list[DraftTaskSeen]
    """Tasks."""
    found_unread: list[UnreadSeen]
    """What became nothing."""


class WholeTemplate(BaseModel):
    """A version with all that stands in it."""

    template_id: int
    """Number of the version."""
    template: str
    """Key of the template."""
    version: int
    """1, 2, ..."""
    name: str
    """Name."""
    source: str
    """Where its tasks come from."""
    licence: str
    """Under what they may be passed on."""
    levels: list[str]
    """Levels, the smallest first."""
    tasks: int
    """Tasks."""
    created_at: AwareDatetime
    """Stored."""
    created_by: str
    """By whom."""
    retired_at: AwareDatetime | None
    """No set is given it since; null: it may be given."""
    document: dict[str, Any]
    """The template, as docs/maintenance.md describes it."""


class Worth(BaseModel):
    """What the quarter-hour was worth, measured beside planned. Null: not measured."""

    cost: Decimal | None
    """What it cost."""
    planned_cost: Decimal | None
    """What was planned."""
    no_battery_cost: Decimal | None
    """Without a battery."""
    self_use_cost: Decimal | None
    """By the device's own logic."""
    grid_kw: float | None
    """Grid; > 0 imports."""
    pv_kw: float | None
    """PV."""
    battery_kw: float | None
    """Batteries; > 0 discharge."""
    genset_kw: float | None
    """Generating sets."""
    load_kw: float | None
    """House."""
    ev_kw: float | None
    """Chargers."""
    heat_pump_kw: float | None
    """Heat pumps."""
    soc_pct: float | None
    """Charge at the end."""
    planned_grid_kw: float | None
    """Grid as planned."""
    planned_pv_kw: float | None
    """PV as planned."""
    planned_battery_kw: float | None
    """Batteries as planned."""
    planned_genset_kw: float | None
    """Generating sets as planned."""
    planned_load_kw: float | None
    """House as planned."""
    planned_ev_kw: float | None
    """Chargers as planned."""
    planned_heat_pump_kw: float | None
    """Heat pumps as planned."""
    planned_soc_pct: float | None
    """Charge as planned."""
    buy_per_kwh: Decimal | None
    """Buying, as settled."""
    sell_per_kwh: Decimal | None
    """Selling, as settled."""
    is_price_provisional: bool | None
    """A price of it is not final."""
    coverage_pct: float
    """Share of it that was measured."""
    revision: int
    """Above 1: corrected after it had been settled."""
    known_at: AwareDatetime
    """When it was settled."""


class EmsPipelineApiPartsPart(BaseModel):
    """One part."""

    name: str
    """which part"""
    status: Literal["ok", "degraded", "down"]
    """how it is"""
    since: AwareDatetime | None
    """its newest work, or its start; null: none is known"""
    detail: str
    """what is wrong, and the remedy; empty when nothing is"""
    latency_ms: float | None = None
    """of one question to it, ms; null: it is not asked"""


class EmsPipelineApiRoutesGensetCommandsConfirmation(BaseModel):
    """The code that filing the command answered."""

    model_config = ConfigDict(
        extra="forbid",
    )
    code: str
    """The code."""


class EmsPipelineApiRoutesMaintenanceDraftsConfirmation(BaseModel):
    """What a person says where the document does not; what it does say stays."""

    model_config = ConfigDict(
        extra="forbid",
    )
    template: str
    """Key of the template."""
    name: str
    """Its name."""
    licence: str = "the owner's own"
    """Under what it may be passed on."""
    minutes: int
    """Minutes that a line takes one person."""
    system: str | None = None
    """Part of the engine of lines that name none."""
    kind: Literal["check", "clean", "adjust", "test", "replace"] | None = None
    """Kind of work of lines that name none."""
    level: str | None = None
    """Level of lines that are of none."""
    levels: Annotated[dict[str, IntervalInput], Field(validate_default=True)] = {}
    """Intervals of levels that have none."""
    left_out: list[str] = []
    """Codes of lines that are no tasks."""
    is_original_shown: bool = False
    """Texts that are not English are shown as they are."""


class EmsPipelineApiRoutesMeConfirmation(BaseModel):
    """The password again."""

    model_config = ConfigDict(
        extra="forbid",
    )
    password: str
    """of who logged in"""


class EmsPipelineApiServiceRowsPart(BaseModel):
    """A part that was used."""

    name: str
    """Part."""
    quantity: float | None
    """How many or how much."""
    unit: str | None
    """Unit of the quantity."""


class FieldFault(BaseModel):
    """What is wrong with one field."""

    field: str
    """its place in body or query"""
    message: str
    """what is wrong with it"""
    code: str
    """kind of fault, for programs"""


class Fault(BaseModel):
    """A problem as RFC 9457 has it."""

    type: str
    """name of the kind of problem"""
    title: str
    """the kind in words"""
    status: int
    """status of the answer"""
    detail: str
    """what it is this time"""
    code: str
    """for programs; keeps its meaning"""
    remedy: str
    """what to do about it"""
    request_id: str
    """under which the log has it"""
    field: str | None = None
    """the first field that is wrong"""
    errors: list[FieldFault] | None = None
    """field by field, where several are wrong"""


class Battery(BaseModel):
    """A battery now. A value that is missing or older than five minutes is null."""

    id: str
    """`site.asset`."""
    site: str
    """Site."""
    asset: str
    """Asset."""
    device: str | None
    """The device that obeys for it; null: none."""
    soc_pct: float | None
    """Charge."""
    power_kw: float | None
    """Power of its device; > 0 discharges."""
    temperature_c: float | None
    """Cells."""
    as_of: AwareDatetime | None
    """When it was measured last."""
    capacity_kwh: float
    """Capacity of its file."""
    limits: BatteryLimits
    """What its file allows."""
    wanted: str | None
    """Mode that an override wants now; null: none."""
    told: str | None
    """Mode that its device was told last; null: nothing stands."""
    authority: str | None
    """Whose word that was: `envelope`, `grid`, `override`, `schedule`, `plan`, `release`."""
    steered: Literal["shadow", "disarmed", "armed"]
    """Whether wishes reach the device."""
    status: str
    """Its device: `ok`, `degraded`, `open`, `half-open`, `unknown`."""


class Completion(BaseModel):
    """The service is done."""

    model_config = ConfigDict(
        extra="forbid",
    )
    done_h: float | None = None
    """Hours of running when it was done; those of now."""
    done_at: AwareDatetime | None = None
    """When; now."""
    report: str = ""
    """What is to be told of it."""
    parts: Annotated[list[PartUsed], Field(validate_default=True)] = []
    """Parts used."""
    photos: list[str] = []
    """References to pictures in your own store; none are kept here."""


class Controller(BaseModel):
    """A controller at its last poll; two seconds are usual."""

    id: str
    """`site.device`."""
    site: str
    """Site."""
    device: str
    """Key."""
    model: str
    """Of its controller map."""
    quality: Literal["good", "stale", "down"]
    """`stale`: the last poll, or a part of it, was not answered; `down`: three polls were not, nothing is known."""
    taken_at: AwareDatetime | None
    """When its last answer came; null: there was none."""
    values: dict[str, float | str | None]
    """By the names of the controller map; units are in the names, states are words. Null: no sensor, not believed."""
    bits: dict[str, bool]
    """Status bits."""
    alarms: list[SetAlarm] | None
    """Alarms as they were read last; null: never read."""


class Disarmed(BaseModel):
    """The second opt-in is withdrawn: nothing is told to the site's devices from now on."""

    site: str
    """Site."""
    was_armed: bool
    """Whether it was armed."""
    release: Filed
    """The request that hands the devices back to themselves."""


class Event(BaseModel):
    """Something that happened, until it is over."""

    id: int
    """Number, that of the alarm."""
    ts: AwareDatetime
    """When it began."""
    type: str
    """Kind of trouble."""
    severity: Literal["info", "warning", "critical"]
    """How bad."""
    subject: Subject
    """What it is about."""
    text: str
    """What happened, and the remedy."""
    times: int
    """How often."""
    ended_at: AwareDatetime | None
    """When it was over; null: it is not."""
    acknowledged_by: str | None
    """Who said that he knows; null: nobody did."""


class Forecast(BaseModel):
    """A forecast as it was issued."""

    site: str
    """Site."""
    issued_at: AwareDatetime
    """The newest issue among its quarter-hours."""
    model: str
    """What made it; several where quarter-hours are of several."""
    is_hindsight: bool
    """Some of it was made afterwards, because nothing was known then."""
    quarters: list[Quarter]
    """Quarter-hours in order; one that nobody forecast is left out."""


class GensetAlarmReport(BaseModel):
    """Of the sites that exist for whoever asks."""

    start: AwareDatetime
    """From."""
    end: AwareDatetime
    """Until."""
    sites: list[GensetAlarmRate]
    """A row each."""
    bad_actors: list[GensetBadActor]
    """What came most often, the worst first."""


class Health(BaseModel):
    """How it stands."""

    status: Literal["ok", "degraded", "down"]
    """the worst of all parts"""
    version: str
    """of the program"""
    time: AwareDatetime
    """of this machine's clock, UTC"""
    parts: list[EmsPipelineApiPartsPart] | None = None
    """for callers who are known; null for others"""


class KnownOutput(BaseModel):
    """What was known."""

    inputs: dict[str, Any] | None
    """Since when each kind of input was known."""
    document: dict[str, Any] | None
    """Which version of the site's document, and since when it was known."""
    price: KnownPrice | None
    """Null: none was known."""
    load: KnownPower | None
    """Of the house; null: nothing was expected."""
    pv: list[KnownArray] | None
    """Of each array."""
    heat: list[dict[str, Any]] | None
    """Of each heat pump: outdoor temperature, heat needed, COP."""


class LogWish(BaseModel):
    """A service that was done, all at once: an order, its lines and its end."""

    model_config = ConfigDict(
        extra="forbid",
    )
    done_h: float | None = None
    """Hours of running when it was done; those of now."""
    done_at: AwareDatetime | None = None
    """When; now."""
    report: str = ""
    """What is to be told of it."""
    parts: Annotated[list[PartUsed], Field(validate_default=True)] = []
    """Parts used."""
    photos: list[str] = []
    """References to pictures in your own store; none are kept here."""
    site: str
    """Site."""
    asset: str
    """Genset."""
    level: str
    """Level; it includes those below."""
    lines: list[CodedAnswer]
    """Lines that were answered; others are not done."""


class Metrics(BaseModel):
    """Live values, and the figures of the web process for those who may see them."""

    at: AwareDatetime
    """This moment."""
    values: list[Metric]
    """In the order of site, device and name."""
    process: Stats | None
    """Of this web process; null: not yours to see."""


class Money(BaseModel):
    """Days in order, and the running one."""

    site: str
    """Site."""
    currency: str
    """Currency of all its money."""
    today: SoFar
    """The running day."""
    days: list[Day]
    """Settled days, oldest first."""


class NoticeWishes(BaseModel):
    """What is wanted of a channel, all of it: what is left out is as it is at first."""

    model_config = ConfigDict(
        extra="forbid",
    )
    least_severity: Literal["info", "warning", "critical"] = "warning"
    """Alarms from this severity on."""
    quiet: QuietHours | None = None
    """Quiet hours; null: none."""
    critical_breaks_quiet: bool = True
    """Critical alarms in quiet hours, too."""
    wants_daily: bool = False
    """A report of each day."""
    wants_weekly: bool = False
    """On Monday one of the week before."""
    sites: list[str] | None = None
    """Of these sites only; null: of all that exist for the person."""


class Overview(BaseModel):
    """All sites of whoever asks."""

    at: AwareDatetime
    """This moment."""
    sites: int
    """Sites in service."""
    armed: int
    """Those that are steered."""
    planned: int
    """Those with a plan that holds now."""
    devices: Devices
    """Their devices."""
    power: Power
    """Their power."""
    open_alarms: int
    """Open alarms."""
    due_services: int
    """Services of gensets that are due or soon will be."""
    coverage_pct: float | None
    """Share of the last day that was measured; null: nothing was."""


class Plan(BaseModel):
    """A decision with all its quarter-hours."""

    site: str
    """Site."""
    plan_id: UUID
    """Number of the plan."""
    kind: Literal["daily", "rolling"]
    """Which clock asked for it."""
    planner: str
    """Who planned: `site-file`, or a challenger by its key."""
    is_shadow: bool
    """Planned beside the live plan, for comparison; told to no device."""
    decided_at: AwareDatetime
    """Nothing known later was used."""
    recorded_at: AwareDatetime
    """Since when it may be followed."""
    starts_at: AwareDatetime
    """First quarter-hour planned."""
    ends_at: AwareDatetime
    """End of the last one."""
    status: Literal["optimal", "feasible", "failed"]
    """Of the solver."""
    is_verified: bool
    """The independent verifier found nothing."""
    is_hindsight: bool
    """Recorded too late to be followed."""
    currency: str
    """Currency of its money."""
    unmet: list[Any]
    """Wishes that cannot be met, with amounts."""
    config_hash: str
    """Version of the site's document."""
    slots: list[PlannedSlot]
    """Its quarter-hours in order."""


class Portal(BaseModel):
    """How the portal stands."""

    looked_at: AwareDatetime | None
    """When all open tasks were looked at last."""
    answered_at: AwareDatetime | None
    """When it last did what it was asked."""
    failing_since: AwareDatetime | None
    """Since when it does not; null: it does."""
    held_until: AwareDatetime | None
    """It is left alone until then; null: it is not."""
    is_shut: bool
    """Shut by hand; left alone until somebody asks for a synchronisation."""
    problem: str
    """Why it does not do what it is asked; empty: it does."""
    waiting: int
    """What is still to be said to it."""
    tasks: list[Task]
    """The newest tasks first."""


class Regret(BaseModel):
    """Days in order, of each its parts by name; of a day the others add up to the total."""

    site: str
    """Site."""
    currency: str
    """Currency of all its money."""
    items: list[Regretted]
    """Rows, oldest day first."""


class Services(BaseModel):
    """All parts."""

    services: list[EmsPipelineApiPartsPart]


class WhatIf(BaseModel):
    """A question that was answered."""

    what_if: str
    """Key of the question."""
    study: str
    """Study that answers it."""
    site: str
    """Site."""
    is_own: bool
    """Lived on what was measured at the site; otherwise on files."""
    currency: str
    """Of all amounts."""
    first_day: date
    """First day that was asked for."""
    last_day: date
    """Last day that was asked for."""
    lived_days: int
    """Days that were lived; fewer than a year stand for one."""
    left_out: list[str]
    """What of the site is simplified."""
    answered_at: AwareDatetime
    """When."""
    variants: list[WhatIfVariant]


class WholeOrder(BaseModel):
    """A service with its lines and all that came of it."""

    task_id: int
    """Number."""
    site: str
    """Site."""
    asset: str
    """Genset."""
    template_id: int
    """Version of the template it was made from."""
    level: str
    """Level."""
    state: Literal["open", "done", "cancelled"]
    """Where it stands."""
    note: str
    """Why it was made."""
    created_at: AwareDatetime
    """Made."""
    created_by: str
    """By whom."""
    started_at: AwareDatetime | None
    """First line answered; null: nobody is at it yet."""
    items: int
    """Lines."""
    answered: int
    """Lines that are answered."""
    critical_open: int
    """Critical lines that are not done."""
    minutes: int
    """Work of one person."""
    done_h: float | None
    """Hours of running when it was done."""
    done_at: AwareDatetime | None
    """When it was done."""
    done_by: str | None
    """Who completed it."""
    closed_levels: list[str]
    """Levels that it closed."""
    report: str
    """What is to be told of it."""
    photos: list[str]
    """References to pictures in the owner's own store."""
    lines: list[Item]
    """Its checklist."""
    parts: list[EmsPipelineApiServiceRowsPart]
    """Parts used."""
    findings: list[Finding]
    """Lines left open."""


class Why(BaseModel):
    """All that stands behind a quarter-hour of a site."""

    site: str
    """Site."""
    currency: str
    """Currency of its money."""
    starts_at: AwareDatetime
    """Begin of the quarter-hour."""
    ends_at: AwareDatetime
    """Its end."""
    plan: Decision | None
    """The plan behind it; null: none held."""
    known: KnownOutput
    decided: PlannedSlot | None
    """What was decided, and why."""
    told: list[Told] | None
    """What devices were told; null: not for whoever asks."""
    worth: Worth | None
    """What it was worth; null: not settled."""


class NoticeChannel(BaseModel):
    """A way by which whoever asks is told."""

    channel_id: int
    """Number."""
    kind: Literal["telegram", "email", "push"]
    """Which way."""
    address: str
    """Number of the chat, the address, or of a browser the host of its push service and six digits."""
    bound_at: AwareDatetime
    """When it was bound or entered."""
    state: Literal["open", "blocked"]
    """`blocked`: it takes nothing until it is bound or entered again."""
    state_reason: str
    """Why it is blocked; empty: it is not."""
    wishes: NoticeWishes
    """What is wanted of it."""
