alter table wikiembed_private.ended_failures add column if not exists document boolean not null default false;
-- They return more columns now: current/ creates them again.
-- squawk-ignore ban-drop-function
drop function if exists wikiembed.reconcile(text, boolean);
-- squawk-ignore ban-drop-function
drop function if exists wikiembed_private.reconcile_source(text, boolean);
-- squawk-ignore ban-drop-function
drop function if exists wikiembed_private.reconcile_documents(text, boolean);
