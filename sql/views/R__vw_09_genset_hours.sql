-- What the hour meter of each set said last, and for how long nobody need worry that it says no more. Where controllers are
-- asked, their newest answer is joined here, and nowhere else.
CREATE OR REPLACE VIEW ems.vw_genset_hours AS
SELECT r.site_key, r.asset_key, r.run_hours, r.taken_at, interval '31 days' AS stale_after
FROM ems.genset_reading r;
