-- Backtests
-- What is lived through again, in schema `study`; how: docs/backtest.md. Nothing here was ever real, and who controls a house cannot read it.

COMMENT ON SCHEMA study IS 'Backtests: what was asked, which months are done, and what each day came to. Names carry units as in schema `ems`.';

COMMENT ON TABLE study.definition IS 'What was asked: homes, months and variants, whole, as it is lived.';
COMMENT ON COLUMN study.definition.study_key IS 'name of the study';
COMMENT ON COLUMN study.definition.definition IS 'the study as JSON: sites, files of history, variants (`backtest/study.py`)';
COMMENT ON COLUMN study.definition.asked_at IS 'when it was asked for last';

COMMENT ON TABLE study.part IS 'Months of a home under a variant that are done; what is not here is still to be lived.';
COMMENT ON COLUMN study.part.study_key IS 'the study';
COMMENT ON COLUMN study.part.home_key IS 'the home, as the study names it; it need not be a registered site';
COMMENT ON COLUMN study.part.variant IS 'the variant, as the study names it';
COMMENT ON COLUMN study.part.month IS 'first day of the month';
COMMENT ON COLUMN study.part.inputs_digest IS 'SHA-256 of all that went in: site, variant, days, files, code; with another one the month is lived again';
COMMENT ON COLUMN study.part.rows_digest IS 'SHA-256 of the days that came out; the same inputs give the same one on every machine';
COMMENT ON COLUMN study.part.asked_days IS 'days of the month that the study asks for';
COMMENT ON COLUMN study.part.lived_days IS 'those of them that were measured and priced whole';
COMMENT ON COLUMN study.part.code_version IS 'the program that lived it';
COMMENT ON COLUMN study.part.recorded_at IS 'when it was done';

COMMENT ON TABLE study.day IS 'Days of a home under a variant, settled as `ems.audit_day` settles those that were measured.';
COMMENT ON COLUMN study.day.study_key IS 'the study';
COMMENT ON COLUMN study.day.home_key IS 'the home';
COMMENT ON COLUMN study.day.variant IS 'the variant';
COMMENT ON COLUMN study.day.month IS 'first day of its month, see `study.part`';
COMMENT ON COLUMN study.day.day IS 'local civil day of the home';
COMMENT ON COLUMN study.day.tariff IS 'name of the tariff under the variant';
COMMENT ON COLUMN study.day.currency IS 'ISO 4217 code of the amounts in the row';
COMMENT ON COLUMN study.day.slots IS 'quarter-hours of the day (92, 96 or 100)';
COMMENT ON COLUMN study.day.cost IS 'cost of the energy through the grid connection';
COMMENT ON COLUMN study.day.import_wh IS 'energy bought';
COMMENT ON COLUMN study.day.export_wh IS 'energy fed in';
COMMENT ON COLUMN study.day.consumption_wh IS 'all energy used, cars and heat pumps as they drew it';
COMMENT ON COLUMN study.day.pv_wh IS 'energy the PV offered';
COMMENT ON COLUMN study.day.throughput_wh IS 'energy of the battery, charged plus discharged';
COMMENT ON COLUMN study.day.self_use_throughput_wh IS 'the same under the self-use rule';
COMMENT ON COLUMN study.day.stored_change_wh IS 'energy in the cells at the end minus at the start';
COMMENT ON COLUMN study.day.stored_value_per_kwh IS 'what a kWh in the cells is worth on the day, see docs/audit.md';
COMMENT ON COLUMN study.day.net_cost IS '`cost` less what the change in stored energy is worth: what days are compared by';
COMMENT ON COLUMN study.day.no_battery_cost IS 'cost of the same day without a battery';
COMMENT ON COLUMN study.day.self_use_cost IS 'cost of the same day under the self-use rule';
COMMENT ON COLUMN study.day.no_battery_saving IS 'saved against no battery, stored energy counted';
COMMENT ON COLUMN study.day.self_use_saving IS 'saved against the self-use rule, stored energy counted';

COMMENT ON TABLE study.saving IS 'What each variant of a study saved against its first one on the days that both were lived, renewed whenever days were lived.';
COMMENT ON COLUMN study.saving.study_key IS 'the study';
COMMENT ON COLUMN study.saving.variant IS 'the variant';
COMMENT ON COLUMN study.saving.base IS 'the variant it is compared with';
COMMENT ON COLUMN study.saving.currency IS 'ISO 4217 code of the amounts in the row';
COMMENT ON COLUMN study.saving.tariff IS 'tariff under the variant; `all`: all of them';
COMMENT ON COLUMN study.saving.season IS '`winter` (December to February), `spring`, `summer`, `autumn`; `all`: all days';
COMMENT ON COLUMN study.saving.homes IS 'homes that were lived under both';
COMMENT ON COLUMN study.saving.days IS 'days on which a home was lived under both';
COMMENT ON COLUMN study.saving.net_cost IS 'bill of the days less what stayed in the cells, homes added up';
COMMENT ON COLUMN study.saving.base_net_cost IS 'the same of what it is compared with';
COMMENT ON COLUMN study.saving.saved IS 'the difference';
COMMENT ON COLUMN study.saving.saved_low IS 'lower end of its 95 % interval, days drawn in pairs';
COMMENT ON COLUMN study.saving.saved_high IS 'upper end of its 95 % interval';
COMMENT ON COLUMN study.saving.concluded_at IS 'when it was reckoned';

COMMENT ON TABLE study.what_if IS 'Questions of owners that a study has answered (docs/what-if.md).';
COMMENT ON COLUMN study.what_if.what_if_key IS 'of study and question: the same question has the same one';
COMMENT ON COLUMN study.what_if.study_key IS 'the study that answers';
COMMENT ON COLUMN study.what_if.site_key IS 'the site it is about; it need not be registered';
COMMENT ON COLUMN study.what_if.question IS 'sizes, tariffs and prices as JSON (`backtest/what_if.py`)';
COMMENT ON COLUMN study.what_if.is_own IS 'lived on what the warehouse measured of the site; otherwise on files';
COMMENT ON COLUMN study.what_if.currency IS 'ISO 4217 code of all amounts';
COMMENT ON COLUMN study.what_if.first_day IS 'first local civil day that was asked for';
COMMENT ON COLUMN study.what_if.last_day IS 'last local civil day that was asked for';
COMMENT ON COLUMN study.what_if.lived_days IS 'those of them that were lived as the site is; fewer than a year stand for one';
COMMENT ON COLUMN study.what_if.left_out IS 'what of the site is simplified: `batteries`, `inverters`, `efficiency`, `courses`, `capacity`';
COMMENT ON COLUMN study.what_if.answered_at IS 'when it was answered';

COMMENT ON TABLE study.what_if_variant IS 'Variants of a question over a year, the site as it is first.';
COMMENT ON COLUMN study.what_if_variant.what_if_key IS 'the question';
COMMENT ON COLUMN study.what_if_variant.place IS 'order, from 0: the site as it is';
COMMENT ON COLUMN study.what_if_variant.variant IS 'the variant, as the study names it';
COMMENT ON COLUMN study.what_if_variant.tariff IS 'name of the tariff under it';
COMMENT ON COLUMN study.what_if_variant.battery_kwh IS 'capacity of the battery';
COMMENT ON COLUMN study.what_if_variant.pv_kwp IS 'peak power of the PV';
COMMENT ON COLUMN study.what_if_variant.days IS 'days lived under it and as the site is';
COMMENT ON COLUMN study.what_if_variant.bill IS 'money of a year: meter and fees, less what stayed in the cells';
COMMENT ON COLUMN study.what_if_variant.saved IS 'saved a year against the site as it is';
COMMENT ON COLUMN study.what_if_variant.saved_low IS 'lower end of its 95 % interval, days drawn in stretches of a week';
COMMENT ON COLUMN study.what_if_variant.saved_high IS 'upper end of its 95 % interval';
COMMENT ON COLUMN study.what_if_variant.invested IS 'money for what is more than today; null: its price was not said';
COMMENT ON COLUMN study.what_if_variant.payback_years IS 'years until it is back; null: nothing is invested, the price was not said, or what is saved may be nothing';
COMMENT ON COLUMN study.what_if_variant.payback_low IS 'the same where most is saved';
COMMENT ON COLUMN study.what_if_variant.payback_high IS 'the same where least is saved';
COMMENT ON COLUMN study.what_if_variant.cycles IS 'full cycles of the battery in a year';
COMMENT ON COLUMN study.what_if_variant.wear IS 'what they cost in a year by the price of wear in the site file; not in `bill` and `saved`';
