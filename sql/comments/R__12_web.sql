-- The web
-- Who may ask over HTTP, what was asked for, and what was tried. Passwords, cookies and tokens stand here as hashes or not at all.

COMMENT ON TABLE ems.person IS 'People who may log in to the web process; entered with `ems user` on the machine, and there only. Analysts do not see this table.';
COMMENT ON COLUMN ems.person.name IS 'by which the person logs in';
COMMENT ON COLUMN ems.person.role IS '`viewer` looks; `operator` also asks for overrides, plans and acknowledgements; `owner` also changes sites and gives tokens; `analyst` reads everything there is';
COMMENT ON COLUMN ems.person.sites IS 'sites that exist for this person; null: all there are and will be';
COMMENT ON COLUMN ems.person.password_hash IS 'argon2id, with salt and parameters';
COMMENT ON COLUMN ems.person.created_at IS 'entered';
COMMENT ON COLUMN ems.person.created_by IS 'by whom';
COMMENT ON COLUMN ems.person.changed_at IS 'last change of role, sites or password; sessions begun before it count no more';
COMMENT ON COLUMN ems.person.last_login_at IS 'last time';

COMMENT ON TABLE ems.web_session IS 'Browsers that are logged in; 12 h without a request end a session. Analysts do not see this table.';
COMMENT ON COLUMN ems.web_session.session_hash IS 'SHA-256 of the cookie';
COMMENT ON COLUMN ems.web_session.person IS 'who logged in';
COMMENT ON COLUMN ems.web_session.started_at IS 'since when';
COMMENT ON COLUMN ems.web_session.seen_at IS 'last request, to the minute';
COMMENT ON COLUMN ems.web_session.confirmed_at IS 'when the password was typed last';

COMMENT ON TABLE ems.web_token IS 'Tokens given to programs, without the secret itself. Analysts do not see this table.';
COMMENT ON COLUMN ems.web_token.token_id IS 'number; `jti` of the signed text';
COMMENT ON COLUMN ems.web_token.name IS 'of the program';
COMMENT ON COLUMN ems.web_token.note IS 'what it is for';
COMMENT ON COLUMN ems.web_token.resources IS 'what it may do, such as `telemetry:read`';
COMMENT ON COLUMN ems.web_token.sites IS 'sites that exist for it; null: all';
COMMENT ON COLUMN ems.web_token.created_at IS 'given';
COMMENT ON COLUMN ems.web_token.created_by IS 'by whom';
COMMENT ON COLUMN ems.web_token.expires_at IS 'ends by itself';
COMMENT ON COLUMN ems.web_token.last_used_at IS 'last request, to the minute';
COMMENT ON COLUMN ems.web_token.revoked_at IS 'taken back';
COMMENT ON COLUMN ems.web_token.revoked_by IS 'by whom';

COMMENT ON TABLE ems.web_write IS 'Every request over HTTP that would change something, refused ones too. What was done and its row are one transaction.';
COMMENT ON COLUMN ems.web_write.web_write_id IS 'number';
COMMENT ON COLUMN ems.web_write.at IS 'when';
COMMENT ON COLUMN ems.web_write.request_id IS 'of the HTTP request, as its answer and the log name it';
COMMENT ON COLUMN ems.web_write.who IS 'the person, `token:` and the program, or `-`: nobody we know';
COMMENT ON COLUMN ems.web_write.address IS 'network address it came from';
COMMENT ON COLUMN ems.web_write.method IS 'of HTTP';
COMMENT ON COLUMN ems.web_write.path IS 'what was asked, without its query';
COMMENT ON COLUMN ems.web_write.outcome IS '`done`, or the code of the problem it was refused for';

COMMENT ON TABLE ems.request IS 'Work that somebody asked for (`fn_request_add`); a sensor turns each row into a run.';
COMMENT ON COLUMN ems.request.request_id IS 'number, and the run''s key';
COMMENT ON COLUMN ems.request.kind IS 'what is to be done: `prices-import`, `prices-site`, `forecast-run`, `forecast-train`, `plan-daily`, `plan-rolling`, `goal-price`, `what-if`, `telemetry-read`, `device-scan`, `devices-discover`, `release`, `site-document`, `device-find`, `device-try`, `site-begin`';
COMMENT ON COLUMN ems.request.site_key IS 'the site it is about; null: all, or none';
COMMENT ON COLUMN ems.request.parameters IS 'what it needs to know';
COMMENT ON COLUMN ems.request.requested_by IS 'who asked (`fn_requester`)';
COMMENT ON COLUMN ems.request.requested_at IS 'when';
COMMENT ON COLUMN ems.request.state IS '`queued`, `running`, `done`, `failed`, `refused`';
COMMENT ON COLUMN ems.request.run_id IS 'Dagster''s run';
COMMENT ON COLUMN ems.request.started_at IS 'the run began';
COMMENT ON COLUMN ems.request.ended_at IS 'it is over';
COMMENT ON COLUMN ems.request.result IS 'what came of it';
COMMENT ON COLUMN ems.request.problem IS 'why nothing came of it, and the remedy';

COMMENT ON TABLE ems.web_once IS 'Writes that carried an `Idempotency-Key`, for a day: sent again they are answered from here and do nothing. Analysts do not see this table.';
COMMENT ON COLUMN ems.web_once.who IS 'whose key it is: a person or a token';
COMMENT ON COLUMN ems.web_once.key IS 'as the program chose it';
COMMENT ON COLUMN ems.web_once.at IS 'when it was done';
COMMENT ON COLUMN ems.web_once.digest IS 'SHA-256 of method, path, query and body: the same key for something else is refused';
COMMENT ON COLUMN ems.web_once.status IS 'of the answer; null: it was done, and the process ended before the answer was kept';
COMMENT ON COLUMN ems.web_once.answer IS 'body of the answer';

COMMENT ON TABLE ems.web_draft IS 'What a person has entered into the set-up so far; gone once its site is written. Analysts do not see this table.';
COMMENT ON COLUMN ems.web_draft.person IS 'whose it is';
COMMENT ON COLUMN ems.web_draft.draft IS 'the fields of its steps as they were typed, and the requests that were filed for them';
COMMENT ON COLUMN ems.web_draft.changed_at IS 'last change';
