-- Commands to generating sets

COMMENT ON TABLE ems.genset_command IS 'A command to a generating set or its switchboard: a sequence that the poller runs. A person''s waits for its code for a minute.';
COMMENT ON COLUMN ems.genset_command.genset_command_id IS 'number';
COMMENT ON COLUMN ems.genset_command.site_key IS 'site';
COMMENT ON COLUMN ems.genset_command.device_key IS 'the controller';
COMMENT ON COLUMN ems.genset_command.kind IS '`start`, `stop`, `auto`, `manual`, `power`, `mute`, `reset`, `run` (at a power until an instant), `release` (the target goes back to the site''s default)';
COMMENT ON COLUMN ems.genset_command.power_w IS 'target of active power, W; null: none is named';
COMMENT ON COLUMN ems.genset_command.until_at IS 'end of a run; null: of no other command';
COMMENT ON COLUMN ems.genset_command.reason IS 'why, in one line';
COMMENT ON COLUMN ems.genset_command.asked_by IS 'by whom; `dispatch`: a plan';
COMMENT ON COLUMN ems.genset_command.asked_at IS 'filed';
COMMENT ON COLUMN ems.genset_command.code_hash IS 'SHA-256 of the code that confirms it; null: a plan''s, which needs none';
COMMENT ON COLUMN ems.genset_command.confirm_by_at IS 'when the code lapses';
COMMENT ON COLUMN ems.genset_command.confirmed_at IS 'the code was said; null: not yet';
COMMENT ON COLUMN ems.genset_command.cancelled_at IS 'taken back; where it ran, it backs out';
COMMENT ON COLUMN ems.genset_command.cancelled_by IS 'by whom';
COMMENT ON COLUMN ems.genset_command.is_shadow IS 'journalled only: the site was not enabled and armed when it began';
COMMENT ON COLUMN ems.genset_command.state IS '`asked` (waits for its code), `lapsed`, `confirmed`, `running`, `backing-out`, `done`, `failed`, `refused` (an interlock), `cancelled`, `shadow`';
COMMENT ON COLUMN ems.genset_command.state_reason IS 'why it is in this state';
COMMENT ON COLUMN ems.genset_command.progress IS 'where the sequence stands; null: not begun';
COMMENT ON COLUMN ems.genset_command.begun_at IS 'first look of the poller';
COMMENT ON COLUMN ems.genset_command.ended_at IS 'reached an end state';

COMMENT ON TABLE ems.genset_command_step IS 'Every step of every command, committed before its action was told. Appended.';
COMMENT ON COLUMN ems.genset_command_step.genset_command_step_id IS 'number';
COMMENT ON COLUMN ems.genset_command_step.genset_command_id IS 'the command';
COMMENT ON COLUMN ems.genset_command_step.at IS 'when';
COMMENT ON COLUMN ems.genset_command_step.step IS 'the step that was entered';
COMMENT ON COLUMN ems.genset_command_step.action IS 'what was told: `press` and a key, `write power_setpoint_pct` and % of rated; empty: nothing';
COMMENT ON COLUMN ems.genset_command_step.reason IS 'why it turned, or ended; what the wire said against it';
COMMENT ON COLUMN ems.genset_command_step.seen IS 'the snapshot that it was decided on: values, bits that are set, alarms';

COMMENT ON TABLE ems.genset_memory IS 'What sequences remember of a set, so that a restart forgets nothing.';
COMMENT ON COLUMN ems.genset_memory.site_key IS 'site';
COMMENT ON COLUMN ems.genset_memory.device_key IS 'the controller';
COMMENT ON COLUMN ems.genset_memory.said IS 'the mode that our keys left it in, starts and resets of the last day, since when it runs or rests';
COMMENT ON COLUMN ems.genset_memory.noted_at IS 'last change';

COMMENT ON TABLE ems.genset_lockout IS 'Locks: while one is open nobody starts the set from afar, and one that comes up is stopped.';
COMMENT ON COLUMN ems.genset_lockout.genset_lockout_id IS 'number';
COMMENT ON COLUMN ems.genset_lockout.site_key IS 'site';
COMMENT ON COLUMN ems.genset_lockout.device_key IS 'the controller';
COMMENT ON COLUMN ems.genset_lockout.source IS '`person`, or `order`: an open order that wants the engine stopped';
COMMENT ON COLUMN ems.genset_lockout.reason IS 'why, in one line';
COMMENT ON COLUMN ems.genset_lockout.placed_at IS 'since when';
COMMENT ON COLUMN ems.genset_lockout.placed_by IS 'by whom';
COMMENT ON COLUMN ems.genset_lockout.lifted_at IS 'until when; null: it is open';
COMMENT ON COLUMN ems.genset_lockout.lifted_by IS 'by whom: only whoever placed it, an order''s by its end';

COMMENT ON ROUTINE ems.fn_genset_device IS 'a controller of a set or a switchboard as its site''s newest file says it: map, who owns start, rated power, least power';
COMMENT ON ROUTINE ems.fn_genset_command_fault IS 'what is wrong with a command as it is asked, whatever the set does now; null: nothing';
COMMENT ON ROUTINE ems.fn_genset_command_busy IS 'whose command stands in the way of another at a controller; null: nobody''s';
COMMENT ON ROUTINE ems.fn_genset_command_file IS 'files a command in somebody''s name; its number, the code that confirms it, until when';
COMMENT ON ROUTINE ems.fn_genset_command_take IS 'confirms a command in somebody''s name; returns the key of its site';
COMMENT ON ROUTINE ems.fn_genset_command_end IS 'takes a command back in somebody''s name; returns the key of its site';
COMMENT ON ROUTINE ems.fn_genset_command_add IS 'files a command to a set for whoever asks; nothing happens until its code is said; its number, the code, until when';
COMMENT ON ROUTINE ems.fn_genset_command_confirm IS 'confirms a command of whoever asks within a minute; returns the key of its site';
COMMENT ON ROUTINE ems.fn_genset_command_cancel IS 'takes a command back, anybody''s; returns the key of its site';
COMMENT ON ROUTINE ems.fn_genset_lock IS 'locks a set out for whoever asks; returns the lock''s number';
COMMENT ON ROUTINE ems.fn_genset_unlock IS 'lifts a lock of whoever asks; returns the key of its site';
