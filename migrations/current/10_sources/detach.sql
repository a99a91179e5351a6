create or replace function wikiembed.detach(p_name text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '10s'
as $$
declare
  v_source wikiembed.sources;
  v_documents text;
  v_relation regclass;
  v_citus regclass;
  v_trigger name;
  v_function regprocedure;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.lock_source(p_name);
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  if not found then
    perform wikiembed_private.get_source(p_name);
  end if;
  v_citus := wikiembed_private.citus_table_of(v_source);
  if v_citus is not null then
    raise exception 'source "%" cannot be detached: Citus manages %, and has triggers on its shards', p_name, v_citus
      using errcode = 'WE004', hint = format('First %s', wikiembed_private.citus_advice(v_citus));
  end if;
  perform wikiembed_private.release_names(v_source);
  -- Documents before their chunks, as a delete of documents locks them.
  select wikiembed_private.qualified(d.relation) into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
  if v_documents is not null then
    execute format('lock table %s in access exclusive mode', v_documents);
  end if;
  if wikiembed_private.qualified(v_source.relation) is not null then
    execute wikiembed_private.render_template(v_source, 'lock table @table@ in access exclusive mode');
    execute wikiembed_private.render_template(v_source, 'drop trigger if exists @null_stale_trigger@ on @table@');
    execute format('drop index if exists %I.%I',
      (select n.nspname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where c.oid = v_source.relation),
      'wikiembed_missing_' || p_name);
  end if;
  -- A table that was created again, from a dump or by Citus, has all triggers of the former one.
  for v_relation, v_trigger in
    select t.relation, t.trigger from wikiembed_private.triggers_of(p_name) as t
    union all
    select t.tgrelid, t.tgname from pg_trigger as t
     where t.tgfoid = to_regproc(format('wikiembed_private.%I', 'null_stale_' || p_name)) and t.tgparentid = 0
  loop
    execute format('drop trigger %I on %s', v_trigger, wikiembed_private.qualified(v_relation));
  end loop;
  perform wikiembed_private.release_documents(p_name);
  perform 1 from wikiembed.sources as s where s.name = p_name for update;
  for v_function in
    select p.oid from pg_proc as p
     where p.pronamespace = 'wikiembed_private'::regnamespace
       and obj_description(p.oid, 'pg_proc') = wikiembed_private.generated_comment(v_source.name)
  loop
    execute format('drop function %s', v_function);
  end loop;
  execute format('drop sequence if exists wikiembed_private.%I', 'clock_embed_' || p_name);
  delete from wikiembed_queue.procrastinate_jobs as j where j.queue_name = v_source.queue_name;
  delete from wikiembed.failures as f where f.source = v_source.name;
  delete from wikiembed_private.ended_failures as e where e.source = v_source.name;
  delete from wikiembed.sources as s where s.name = v_source.name;
  delete from wikiembed.ledger as l where l.source = v_source.name;
  delete from wikiembed_private.throughput_history as h where h.source = v_source.name;
  delete from wikiembed_private.batch_ledger as b where b.source = v_source.name;
  perform wikiembed_private.drop_deltas(p_name);
  perform wikiembed_private.log_action('detach', p_name);
end;
$$;
comment on function wikiembed.detach(text) is
  'Detaches a source: its triggers, functions, jobs, failures, their history, ledger and usage; the table''s rows stay. Refuses a source that a name was switched to, or whose table Citus manages. Raises WE001, WE004, WE010.';
