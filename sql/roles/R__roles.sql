-- Who may do what. Applied whole after every upgrade, because views and routines are new objects then. None of these roles
-- but ems_web and ems_notices can log in: `ems db login` makes a login and grants it one of them. A server shares its roles among its
-- databases.
--   ems_service  the pipeline: reads and writes rows, changes no schema, cannot rewrite the journal
--   ems_analyst  reads
--   ems_writer   files overrides, goals and requests through functions and cancels its own; reads nothing
--   ems_gateway  a REST server's login: nothing by itself, becomes ems_analyst or ems_writer per request (hence NOINHERIT)
--   ems_web      the login of our own web process: the same, and by itself its sessions, tokens and the log of what was asked.
--                It has no password until `ems db login ems_web web` gives it one
--   ems_study    reads and writes backtests, and nothing else. The pipeline takes this role on for that alone (SET ROLE); it has
--                no right of its own in schema study, so nothing that controls a house reads what never was
--   ems_notices  the login of whoever tells people and listens to the Telegram bot: reads, notes what was told, files a wish
--                only as fn_wish_confirm does. No password until `ems db login ems_notices notices` gives it one
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['ems_service', 'ems_analyst', 'ems_writer', 'ems_gateway', 'ems_web', 'ems_notices',
                                'ems_study'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I %s', wanted, CASE wanted WHEN 'ems_gateway' THEN 'NOLOGIN NOINHERIT'
                                                                    WHEN 'ems_web' THEN 'LOGIN NOINHERIT'
                                                                    WHEN 'ems_notices' THEN 'LOGIN'
                                                                    ELSE 'NOLOGIN' END);
        END IF;
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
        -- Not allowed to make roles (`ems db migrate` says so), or another database of this server made them just now.
        RAISE NOTICE 'roles: %', SQLERRM;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA ems FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ems FROM PUBLIC;

DO $$ BEGIN
    IF (SELECT count(*) FROM pg_roles
        WHERE rolname IN ('ems_service', 'ems_analyst', 'ems_writer', 'ems_gateway')) < 4 THEN
        RETURN;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO ems_service, ems_analyst, ems_writer, ems_gateway',
                   current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO ems_service', current_database());
    GRANT USAGE ON SCHEMA ems TO ems_service, ems_analyst, ems_writer;
    REVOKE ALL ON ALL TABLES IN SCHEMA ems FROM ems_service, ems_analyst, ems_writer, ems_gateway;
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ems FROM ems_service, ems_analyst, ems_writer, ems_gateway;
    GRANT SELECT ON public.ems_alembic_version TO ems_service, ems_analyst;

    -- What was told to a device and which configuration held is appended, never rewritten, and nothing is deleted but a
    -- plan that is made again; its rows go with it.
    GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA ems TO ems_service;
    REVOKE UPDATE ON ems.setpoint_event, ems.genset_change, ems.genset_command_step, ems.site_config, ems.point_map, ems.grid_event, ems.web_write,
        ems.genset_alarm_event, ems.genset_meter_event, ems.maintenance_done, ems.maintenance_level,
        ems.maintenance_task, ems.baseline_day, ems.regret_day, ems.planner_verdict, ems.planner_change FROM ems_service;
    GRANT DELETE ON ems.planning_run, ems.genset_live, ems.gateway_party, ems.person, ems.notice_channel TO ems_service;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ems TO ems_service;

    -- Named one by one: a new table is closed until somebody has thought about what stands in it.
    GRANT SELECT ON
        ems.site, ems.site_config, ems.zone_offset,
        ems.market_interval_price, ems.fx_rate, ems.tempo_colour, ems.effective_price,
        ems.weather_forecast, ems.weather_observation, ems.pv_forecast, ems.load_forecast, ems.heat_demand_forecast,
        ems.ev_session_forecast, ems.baseline_consumption, ems.cop_history, ems.cop_curve, ems.building_response,
        ems.forecast_model, ems.forecast_score,
        ems.point, ems.telemetry, ems.telemetry_15m, ems.device_health, ems.found_battery,
        ems.genset_controller, ems.genset_live, ems.genset_minute, ems.genset_change,
        ems.planning_run, ems.planning_interval, ems.planning_device_interval, ems.plan_replay, ems.grid_event,
        ems.planner_day, ems.planner_verdict, ems.planner_change,
        ems.control_arm, ems.control_override, ems.asset_goal, ems.control_miss, ems.setpoint, ems.setpoint_event,
        ems.point_write_count,
        ems.genset_command, ems.genset_command_step, ems.genset_memory, ems.genset_lockout,
        ems.point_map,
        ems.alarm, ems.gateway_party, ems.gateway_lease,
        ems.supervisor, ems.control_decision,
        ems.audit_interval, ems.audit_day, ems.baseline_day, ems.regret_day,
        ems.genset_alarm, ems.genset_alarm_event, ems.genset_removal,
        ems.request, ems.web_write,
        ems.maintenance_template, ems.maintenance_level, ems.maintenance_task, ems.maintenance_plan, ems.maintenance_order,
        ems.maintenance_item, ems.maintenance_part, ems.maintenance_done, ems.maintenance_finding, ems.maintenance_alert,
        ems.genset_meter, ems.genset_meter_event, ems.genset_meter_day, ems.genset_reading,
        ems.maintenance_draft, ems.bitrix_task, ems.bitrix_outbox, ems.bitrix_portal,
        ems.vw_site_15m, ems.vw_latest_telemetry, ems.vw_telemetry_15m_7d, ems.vw_actual_baseline,
        ems.vw_site_effective_price, ems.vw_heat_pump_cop_history, ems.vw_audit_summary, ems.vw_setpoint,
        ems.vw_executable_plan, ems.vw_battery_status, ems.vw_found_battery, ems.vw_genset_alarm,
        ems.vw_genset_hours
    TO ems_analyst;
    GRANT EXECUTE ON FUNCTION ems.fn_effective_price, ems.fn_cop_estimate, ems.fn_baseline_consumption,
        ems.fn_plan_in_force, ems.fn_slot_cost, ems.fn_baseline_day, ems.fn_regret_day, ems.fn_why, ems.fn_genset_alarm_actors,
        ems.fn_genset_alarm_rates, ems.fn_maintenance_due, ems.fn_maintenance_since,
        ems.fn_genset_planned_hours TO ems_analyst;

    GRANT EXECUTE ON FUNCTION ems.fn_override_add, ems.fn_override_cancel, ems.fn_goal_add, ems.fn_goal_cancel,
        ems.fn_goal_fault, ems.fn_request_add, ems.fn_planner_promote, ems.fn_disarm, ems.fn_alarm_acknowledge,
        ems.fn_genset_command_add, ems.fn_genset_command_confirm, ems.fn_genset_command_cancel, ems.fn_genset_lock,
        ems.fn_genset_unlock, ems.fn_genset_alarm_acknowledge, ems.fn_genset_alarm_shelve, ems.fn_genset_alarm_unshelve,
        ems.fn_genset_remove, ems.fn_genset_restore TO ems_writer;
    GRANT EXECUTE ON FUNCTION ems.fn_maintenance_template_add, ems.fn_maintenance_template_retire, ems.fn_maintenance_plan_put,
        ems.fn_maintenance_plan_end, ems.fn_maintenance_order_add, ems.fn_maintenance_item_answer,
        ems.fn_maintenance_order_complete, ems.fn_maintenance_order_cancel, ems.fn_maintenance_alert_acknowledge,
        ems.fn_maintenance_finding_close, ems.fn_genset_meter_enter, ems.fn_maintenance_draft_end,
        ems.fn_bitrix_sync TO ems_writer;

    -- The last sessions of a server that reserves some (reserved_connections, from PostgreSQL 16 on) are the pipeline's.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_use_reserved_connections')
       AND NOT pg_has_role('ems_service', 'pg_use_reserved_connections', 'MEMBER') THEN
        BEGIN
            GRANT pg_use_reserved_connections TO ems_service;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'no reserved sessions for ems_service: %', SQLERRM;
        END;
    END IF;

    -- Only an administrator of the roles may do this; a database that is merely migrated finds it done.
    IF NOT pg_has_role('ems_gateway', 'ems_analyst', 'MEMBER') THEN
        GRANT ems_analyst TO ems_gateway;
    END IF;
    IF NOT pg_has_role('ems_gateway', 'ems_writer', 'MEMBER') THEN
        GRANT ems_writer TO ems_gateway;
    END IF;
END $$;

-- Apart from the others: a server of before may not have this role, and whoever upgrades it may not make one.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ems_web')
       OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ems_writer') THEN
        RETURN;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO ems_web', current_database());
    GRANT USAGE ON SCHEMA ems TO ems_web;
    REVOKE ALL ON ALL TABLES IN SCHEMA ems FROM ems_web;
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ems FROM ems_web;

    -- What people and programs may do, and their passwords, are beyond the web process: it looks them up.
    GRANT SELECT, UPDATE (last_login_at) ON ems.person TO ems_web;
    GRANT SELECT, INSERT, UPDATE (seen_at, confirmed_at), DELETE ON ems.web_session TO ems_web;
    GRANT SELECT, INSERT, UPDATE (name, note, last_used_at, revoked_at, revoked_by), DELETE ON ems.web_token TO ems_web;
    GRANT INSERT ON ems.web_write TO ems_web;
    GRANT SELECT, INSERT, UPDATE (status, answer), DELETE ON ems.web_once TO ems_web;
    GRANT SELECT, INSERT, UPDATE (draft, changed_at), DELETE ON ems.web_draft TO ems_web;
    -- What a person wants of a channel; which there are, and where they lead, is said on the machine and by the bot.
    GRANT SELECT, UPDATE (least_severity, quiet_from, quiet_until, quiet_zone, critical_breaks_quiet, wants_daily,
                          wants_weekly, sites) ON ems.notice_channel TO ems_web;
    GRANT EXECUTE ON FUNCTION ems.fn_bitrix_wake TO ems_web;  -- a portal that knows the word for its events
    GRANT EXECUTE ON FUNCTION ems.fn_push_bind, ems.fn_push_end TO ems_web;  -- a browser says where it is itself

    IF NOT pg_has_role('ems_web', 'ems_analyst', 'MEMBER') THEN
        GRANT ems_analyst TO ems_web;
    END IF;
    IF NOT pg_has_role('ems_web', 'ems_writer', 'MEMBER') THEN
        GRANT ems_writer TO ems_web;
    END IF;
END $$;

-- The same for those who tell people: what strangers write to a bot is read by this login.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ems_notices')
       OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ems_analyst') THEN
        RETURN;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO ems_notices', current_database());
    GRANT USAGE ON SCHEMA ems TO ems_notices;
    REVOKE ALL ON ALL TABLES IN SCHEMA ems FROM ems_notices;
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ems FROM ems_notices;

    GRANT SELECT (name, role, sites) ON ems.person TO ems_notices;
    GRANT SELECT, UPDATE (address, state, state_reason) ON ems.notice_channel TO ems_notices;
    GRANT SELECT, INSERT, UPDATE ON ems.notice_told, ems.notice_report, ems.notice_poll TO ems_notices;
    GRANT SELECT (used_at, expires_at), DELETE ON ems.notice_code TO ems_notices;
    GRANT SELECT (confirmed_at, expires_at), DELETE ON ems.notice_wish TO ems_notices;
    GRANT INSERT, SELECT (made_at), DELETE ON ems.notice_button TO ems_notices;
    -- That a channel is dead is an alarm like any other, and goes by those that are not.
    GRANT INSERT, UPDATE (times, last_at, text, severity, cleared_at) ON ems.alarm TO ems_notices;
    GRANT EXECUTE ON FUNCTION ems.fn_channel_bind, ems.fn_wish_ask, ems.fn_wish_confirm, ems.fn_button_press
        TO ems_notices;

    IF NOT pg_has_role('ems_notices', 'ems_analyst', 'MEMBER') THEN
        GRANT ems_analyst TO ems_notices;
    END IF;
END $$;

-- Backtests. Before PostgreSQL 16 a member has all rights of its roles at once, so there the pipeline is no member: a login of
-- its own runs studies (`ems db login NAME study`).
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ems_study') THEN
        RETURN;
    END IF;
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO ems_study', current_database());
    REVOKE ALL ON SCHEMA study FROM PUBLIC;
    REVOKE ALL ON ALL TABLES IN SCHEMA study FROM PUBLIC, ems_service, ems_writer, ems_gateway, ems_web, ems_notices;
    GRANT USAGE ON SCHEMA study TO ems_study, ems_analyst;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA study TO ems_study;
    GRANT SELECT ON ALL TABLES IN SCHEMA study TO ems_analyst;
    IF current_setting('server_version_num')::int >= 160000 AND NOT pg_has_role('ems_service', 'ems_study', 'MEMBER') THEN
        EXECUTE 'GRANT ems_study TO ems_service WITH INHERIT FALSE, SET TRUE';
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'studies: %', SQLERRM;
END $$;
