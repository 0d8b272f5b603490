-- Bitrix24 and drafts
-- Services as tasks in a Bitrix24 portal, and regulations that a person has still to confirm.

COMMENT ON TABLE ems.bitrix_task IS 'Orders of maintenance that became tasks in Bitrix24, one row each. The portal''s address is a secret of the environment and stands in no table.';
COMMENT ON COLUMN ems.bitrix_task.order_id IS 'the order';
COMMENT ON COLUMN ems.bitrix_task.alert_id IS 'the alert for which it was made';
COMMENT ON COLUMN ems.bitrix_task.site_key IS 'of which site';
COMMENT ON COLUMN ems.bitrix_task.order_key IS 'what we call it there: a tag of the task, and the end of its title';
COMMENT ON COLUMN ems.bitrix_task.wanted IS 'title, text, deadline and lines of the checklist as they were first sent';
COMMENT ON COLUMN ems.bitrix_task.task_id IS 'number of the task in the portal; null: it is not there yet';
COMMENT ON COLUMN ems.bitrix_task.state IS '`wanted`; `open`; `unfinished`: closed there with a critical line open; `done`; `gone`: deleted there, or not ours to see; `withdrawn`: the order was cancelled here';
COMMENT ON COLUMN ems.bitrix_task.problem IS 'what a person should look at; empty: nothing';
COMMENT ON COLUMN ems.bitrix_task.filed_at IS 'since when it is wanted';
COMMENT ON COLUMN ems.bitrix_task.changed_at IS 'when the task was changed last in the portal, as seen last; null: not seen yet';
COMMENT ON COLUMN ems.bitrix_task.state_at IS 'since when it stands so';

COMMENT ON TABLE ems.bitrix_outbox IS 'What is to be said to the portal, of each order in its order: written down before it is sent.';
COMMENT ON COLUMN ems.bitrix_outbox.bitrix_outbox_id IS 'number';
COMMENT ON COLUMN ems.bitrix_outbox.order_id IS 'about which order';
COMMENT ON COLUMN ems.bitrix_outbox.what IS '`add` the task with its checklist; `say` something to those who see it; `complete` it';
COMMENT ON COLUMN ems.bitrix_outbox.said IS 'a text to be said, or the codes of lines that were done';
COMMENT ON COLUMN ems.bitrix_outbox.filed_at IS 'since when it waits';
COMMENT ON COLUMN ems.bitrix_outbox.next_try_at IS 'not before';
COMMENT ON COLUMN ems.bitrix_outbox.tries IS 'how often it was sent';
COMMENT ON COLUMN ems.bitrix_outbox.is_refused IS 'the portal said that it is wrong as it is: a person has to do something';
COMMENT ON COLUMN ems.bitrix_outbox.problem IS 'why it was not taken; empty: it was, or was not tried';
COMMENT ON COLUMN ems.bitrix_outbox.ended_at IS 'taken, or not wanted any more; null: it waits';

COMMENT ON TABLE ems.bitrix_portal IS 'How the portal stands; one row.';
COMMENT ON COLUMN ems.bitrix_portal.is_one IS 'there is one row';
COMMENT ON COLUMN ems.bitrix_portal.installation IS 'a part of our keys, so that two installations that share a portal do not meet';
COMMENT ON COLUMN ems.bitrix_portal.looked_at IS 'when all open tasks were looked at last';
COMMENT ON COLUMN ems.bitrix_portal.answered_at IS 'when it last did what it was asked';
COMMENT ON COLUMN ems.bitrix_portal.failing_since IS 'since when it does not; null: it does';
COMMENT ON COLUMN ems.bitrix_portal.woken_at IS 'when an event of the portal, or a person, last wanted a look';
COMMENT ON COLUMN ems.bitrix_portal.held_until IS 'it is left alone until then; null: it is not';
COMMENT ON COLUMN ems.bitrix_portal.is_shut IS 'it was shut by hand (OVERLOAD_LIMIT), and is left alone until a person asks for a synchronisation';
COMMENT ON COLUMN ems.bitrix_portal.problem IS 'why it does not do what it is asked; empty: it does';

COMMENT ON TABLE ems.maintenance_draft IS 'Regulations as they were read (`ems maintenance import`), until a person confirms them as a template or puts them away.';
COMMENT ON COLUMN ems.maintenance_draft.draft_id IS 'number';
COMMENT ON COLUMN ems.maintenance_draft.source IS 'name of the document';
COMMENT ON COLUMN ems.maintenance_draft.digest IS 'SHA-256 of the document: the same is not imported twice while its draft is open';
COMMENT ON COLUMN ems.maintenance_draft.document IS 'levels, tasks with page and line, what is doubted, what could not be read';
COMMENT ON COLUMN ems.maintenance_draft.imported_at IS 'read';
COMMENT ON COLUMN ems.maintenance_draft.imported_by IS 'by whom';
COMMENT ON COLUMN ems.maintenance_draft.template_id IS 'the template that it became; null: none, or not yet';
COMMENT ON COLUMN ems.maintenance_draft.ended_at IS 'confirmed or put away; null: it is open';
COMMENT ON COLUMN ems.maintenance_draft.ended_by IS 'by whom';
