-- Notices
-- How each person is told of what happens, and what was told. Analysts do not see these tables.

COMMENT ON TABLE ems.notice_channel IS 'Ways to single persons (`ems user channel`); bound and entered on the machine, browsers by themselves (`fn_push_bind`); what is wanted of them also over HTTP. Analysts do not see this table.';
COMMENT ON COLUMN ems.notice_channel.notice_channel_id IS 'number';
COMMENT ON COLUMN ems.notice_channel.person IS 'who is told';
COMMENT ON COLUMN ems.notice_channel.kind IS '`telegram`, `email` or `push`';
COMMENT ON COLUMN ems.notice_channel.address IS 'number of the chat, the address, or of a browser its subscription: endpoint and keys, a secret';
COMMENT ON COLUMN ems.notice_channel.telegram_user IS 'number of the account that bound the chat: only its wishes count there; null for e-mail';
COMMENT ON COLUMN ems.notice_channel.language IS 'as the chat says it; what is told is English so far';
COMMENT ON COLUMN ems.notice_channel.bound_at IS 'bound or entered';
COMMENT ON COLUMN ems.notice_channel.state IS '`open`, or `blocked`: it takes nothing until it is bound or entered again';
COMMENT ON COLUMN ems.notice_channel.state_reason IS 'why it is blocked, in the words of the service';
COMMENT ON COLUMN ems.notice_channel.least_severity IS 'alarms from this severity on are told';
COMMENT ON COLUMN ems.notice_channel.quiet_from IS 'from this time of `quiet_zone` on nothing is told; null: at any time';
COMMENT ON COLUMN ems.notice_channel.quiet_until IS 'until this time, of the next day where it is the earlier one; what still stands is told then';
COMMENT ON COLUMN ems.notice_channel.quiet_zone IS 'time zone of these hours';
COMMENT ON COLUMN ems.notice_channel.critical_breaks_quiet IS 'critical alarms are told in quiet hours, too';
COMMENT ON COLUMN ems.notice_channel.wants_daily IS 'a report of each day';
COMMENT ON COLUMN ems.notice_channel.wants_weekly IS 'on Monday a report of the week before';
COMMENT ON COLUMN ems.notice_channel.sites IS 'sites it tells of; null: all that exist for the person';

COMMENT ON TABLE ems.notice_code IS 'Codes that bind a chat, once, within a quarter of an hour. Analysts do not see this table.';
COMMENT ON COLUMN ems.notice_code.code_hash IS 'SHA-256 of the code';
COMMENT ON COLUMN ems.notice_code.person IS 'to whom it binds a chat';
COMMENT ON COLUMN ems.notice_code.created_at IS 'made';
COMMENT ON COLUMN ems.notice_code.created_by IS 'by whom, on the machine';
COMMENT ON COLUMN ems.notice_code.expires_at IS 'worth nothing from then on';
COMMENT ON COLUMN ems.notice_code.used_at IS 'used, or replaced by a newer one';

COMMENT ON TABLE ems.notice_told IS 'Which alarm was told by which channel: written before it is sent, so that a restart tells nothing twice. Analysts do not see this table.';
COMMENT ON COLUMN ems.notice_told.notice_channel_id IS 'the channel';
COMMENT ON COLUMN ems.notice_told.alarm_id IS 'the alarm';
COMMENT ON COLUMN ems.notice_told.severity IS 'as it was told; one that grew worse is told again';
COMMENT ON COLUMN ems.notice_told.state IS '`sending`; `told`; `unsure`: the line broke after it was said; `refused`: it certainly did not arrive';
COMMENT ON COLUMN ems.notice_told.tries IS 'how often it may have arrived; three at most';
COMMENT ON COLUMN ems.notice_told.at IS 'since when it stands so';

COMMENT ON TABLE ems.notice_report IS 'Which report was told by which channel. Analysts do not see this table.';
COMMENT ON COLUMN ems.notice_report.notice_channel_id IS 'the channel';
COMMENT ON COLUMN ems.notice_report.site_key IS 'what it is about';
COMMENT ON COLUMN ems.notice_report.last_day IS 'its last day';
COMMENT ON COLUMN ems.notice_report.span_days IS 'of how many days: 1 or 7';
COMMENT ON COLUMN ems.notice_report.state IS 'as of `notice_told`';
COMMENT ON COLUMN ems.notice_report.tries IS 'how often it may have arrived; three at most';
COMMENT ON COLUMN ems.notice_report.at IS 'since when it stands so';

COMMENT ON TABLE ems.notice_wish IS 'Wishes that the bot has repeated, until their button is pressed (`fn_wish_ask`, `fn_wish_confirm`). Analysts do not see this table.';
COMMENT ON COLUMN ems.notice_wish.nonce_hash IS 'SHA-256 of what the button carries';
COMMENT ON COLUMN ems.notice_wish.notice_channel_id IS 'the chat it was asked in';
COMMENT ON COLUMN ems.notice_wish.site_key IS 'of which site';
COMMENT ON COLUMN ems.notice_wish.asset_key IS 'of which asset; null: the devices of the site are released';
COMMENT ON COLUMN ems.notice_wish.mode IS 'mode of the asset';
COMMENT ON COLUMN ems.notice_wish.limits IS 'limits of the mode, unit in the name';
COMMENT ON COLUMN ems.notice_wish.until_at IS 'end of the override';
COMMENT ON COLUMN ems.notice_wish.asked_at IS 'asked';
COMMENT ON COLUMN ems.notice_wish.expires_at IS 'the button is worth nothing from then on';
COMMENT ON COLUMN ems.notice_wish.confirmed_at IS 'pressed; null: not yet';
COMMENT ON COLUMN ems.notice_wish.filed_as IS 'the override or request that it became';

COMMENT ON TABLE ems.notice_poll IS 'How far was read what people said to a bot. Analysts do not see this table.';
COMMENT ON COLUMN ems.notice_poll.bot IS 'number of the bot, the public part of its token';
COMMENT ON COLUMN ems.notice_poll.next_update IS 'number of the first update that was not read';
COMMENT ON COLUMN ems.notice_poll.at IS 'when it last went on';
