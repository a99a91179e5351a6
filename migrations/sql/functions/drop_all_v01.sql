-- squawk-ignore-file ban-drop-view, ban-drop-table, ban-drop-sequence
-- Everything of schemas wikiembed and wikiembed_private but Alembic's own table.
drop view wikiembed.coverage, wikiembed.queue, wikiembed.workers, wikiembed.throughput;
drop trigger wikiembed_notify_seldom on wikiembed_queue.procrastinate_jobs;
drop trigger wikiembed_hold_paused on wikiembed_queue.procrastinate_jobs;
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_catalog.pg_proc as p
     where p.pronamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)
  loop
    execute pg_catalog.format('drop function %s cascade', v_function);
  end loop;
end;
$$;
drop table wikiembed.failures, wikiembed.ledger, wikiembed.action_log, wikiembed.sources;
drop sequence wikiembed_private.clock;
