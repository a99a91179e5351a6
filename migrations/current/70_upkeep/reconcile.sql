-- An attach that has not committed yet may reuse a table of deltas: a statement before the one that
-- reads waits for its lock.
create or replace function wikiembed_private.drop_orphans() returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_dropped bigint;
  v_name text;
begin
  delete from wikiembed_queue.procrastinate_jobs as j
   where j.task_name in ('wikiembed.embed', 'wikiembed.split')
     and not exists (select from wikiembed.sources as s where s.name = j.args ->> 'source');
  get diagnostics v_dropped = row_count;
  delete from wikiembed.ledger as l
   where not exists (select from wikiembed.sources as s where s.name = l.source);
  delete from wikiembed_private.throughput_history as h
   where not exists (select from wikiembed.sources as s where s.name = h.source);
  delete from wikiembed_private.ended_failures as e
   where not exists (select from wikiembed.sources as s where s.name = e.source);
  delete from wikiembed_private.batch_ledger as b
   where not exists (select from wikiembed.sources as s where s.name = b.source);
  for v_name in
    select substr(c.relname, 8) from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
     where i.inhparent = 'wikiembed.ledger'::regclass
       and not exists (select from wikiembed.sources as s where s.name = substr(c.relname, 8))
     order by 1
  loop
    perform wikiembed_private.lock_source(v_name);
    if not exists (select from wikiembed.sources as s where s.name = v_name) then
      perform wikiembed_private.drop_deltas(v_name);
    end if;
  end loop;
  return v_dropped;
end;
$$;
comment on function wikiembed_private.drop_orphans() is
  'Drops jobs, ledger rows, records of batches, history of throughput and failures, and tables of deltas of sources that do not exist; returns the number of jobs.';

-- The table is locked in a statement before those that read it: a snapshot from before a truncate
-- reads the table as empty and the ledger as before. After the triggers, whose lock is stronger. Rows
-- that an operator's bounded enqueue left, or that existed at attach, are not queued, except the keys
-- of jobs that died; once none is left, all missing rows are queued again. Of the deltas only totals
-- are summed: a row that was changed by hand to count more goes to the ledger itself. Keys of jobs are
-- gathered before they are joined to the table: where statistics estimate few missing rows, Postgres
-- would read all of them once per job. Marks of truncation that bypassed the triggers are looked up
-- where the table is read anyway.
create or replace function wikiembed_private.reconcile_source(
  p_name text, p_recount boolean,
  out orphans_enqueued bigint, out dead_jobs bigint, out ledger_drift bigint, out documents_enqueued bigint
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '10s'
set enable_nestloop = off
set jit = off
as $$
declare
  v_source wikiembed.sources;
  v_ended text[];
  v_cured text[];
  v_documents_dead bigint := 0;
begin
  orphans_enqueued := 0; dead_jobs := 0; ledger_drift := 0; documents_enqueued := 0;
  perform wikiembed_private.lock_source(p_name);
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  if not found then
    return;
  end if;
  if wikiembed_private.citus_table_of(v_source) is not null then
    raise warning 'Citus manages %, the table of source "%"', wikiembed_private.citus_table_of(v_source), p_name
      using hint = 'Nothing was reconciled: `wikiembed doctor` says what to do.';
    return;
  end if;
  if wikiembed_private.is_gone(v_source) then
    select count(*) into dead_jobs from wikiembed_queue.procrastinate_jobs as j
     where j.queue_name = v_source.queue_name;
    perform wikiembed.detach(p_name);
    return;
  end if;
  v_source := wikiembed_private.follow_renames(p_name);
  if not wikiembed_private.triggers_current(v_source) then
    perform wikiembed_private.write_triggers(p_name);
  end if;
  if exists (select from wikiembed.document_sources as d where d.source = p_name collate "default") then
    select r.documents_enqueued, r.dead_jobs into documents_enqueued, v_documents_dead
      from wikiembed_private.reconcile_documents(p_name, p_recount) as r;
  end if;
  execute wikiembed_private.render_template(v_source, 'lock table @table@ in access share mode');
  execute wikiembed_private.render_template(v_source, $sql$
    with live as materialized (
      select k.job_id as id, k.key from wikiembed_private.live_keys(@queue@, 'wikiembed.embed') as k
       where k.status = 'todo'
    ), alive as materialized (
      select distinct l.id from live as l join @table@ as t on @key_of(t)@ collate "C" = l.key and t.@embedding@ is null
    ), dead as materialized (
      select j.id from wikiembed_queue.procrastinate_jobs as j left join alive as a on a.id = j.id
       where j.queue_name = @queue@ and j.task_name = 'wikiembed.embed'
         and (j.status in ('failed', 'cancelled', 'aborted') or (j.status = 'todo' and a.id is null))
         for update of j skip locked
    ), deleted as (
      delete from wikiembed_queue.procrastinate_jobs as j using dead as d where j.id = d.id
      returning j.id, j.status, j.args
    ), lost as (
      select d.id, @key_of(t)@ as key
        from deleted as d
       cross join lateral unnest(wikiembed_private.keys_of(d.args)) as k (key)
        join @table@ as t on @key_of(t)@ collate "C" = k.key collate "C" and t.@embedding@ is null
       where $1 and d.status <> 'todo'
         and not exists (select from wikiembed.failures as f
                          where f.source = @source@ and f.key = @key_of(t)@ collate "C")
    ), queued as (
      insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
      select @queue@, 'wikiembed.embed', 0, jsonb_build_object('source', @source@, 'keys', to_jsonb(array_agg(l.key)))
        from lost as l
       group by l.id
    )
    select (select count(*) from deleted), (select count(*) from lost)
  $sql$) into dead_jobs, orphans_enqueued using v_source.held_back_at is not null;
  execute wikiembed_private.render_template(v_source, $sql$
    select array(
      select f.key from wikiembed.failures as f
       where f.source = @source@
         and not exists (select from @table@ as t where t.@embedding@ is null and @key_of(t)@ collate "C" = f.key)
       order by f.key for update of f skip locked)
  $sql$) into v_ended;
  if cardinality(v_ended) > 0 then
    execute wikiembed_private.render_template(v_source, 'select array_agg(@key_of(t)@) from @table@ as t where @has_key(t, $1)@')
      into v_cured using v_ended;
    perform wikiembed_private.forget_failures(p_name, v_ended, 'deleted', v_cured);
  end if;
  dead_jobs := dead_jobs + v_documents_dead;
  if v_source.held_back_at is not null
     and (select e.jobs from wikiembed.enqueue(p_name, 1, p_dry_run => true) as e) = 0
  then
    update wikiembed.sources as s set held_back_at = null where s.name = p_name;
  elsif v_source.held_back_at is null then
    if exists (select from wikiembed.document_sources as d where d.source = p_name collate "default") then
      select e.documents into documents_enqueued from wikiembed_private.enqueue_documents(p_name, null, true) as e;
    end if;
    select e.chunks into orphans_enqueued from wikiembed.enqueue(p_name) as e;
  end if;
  perform wikiembed_private.correct_queue(v_source.queue_name);
  if p_recount then
    execute wikiembed_private.render_template(v_source, $sql$
      with d as (
        delete from wikiembed_private.@deltas@ as d where d.gained <> 0 or d.failed <> 0 or d.skipped <> 0
        returning d.*
      )
      insert into wikiembed.ledger (source, at, total, embedded, gained, failed, skipped)
      select d.source, d.at, d.total, d.embedded, d.gained, d.failed, d.skipped from d
    $sql$);
    ledger_drift := wikiembed_private.correct_ledger(p_name);
    v_ended := array(select c.key from wikiembed.truncated_chunks as c where c.source = p_name collate "default");
    if cardinality(v_ended) > 0 then
      execute wikiembed_private.render_template(v_source, $sql$
        select array(
          select g.key
            from unnest($1) as g (key)
            left join lateral (
              select t.@key@ from @table@ as t where @is_text_key(t, g.key)@ and t.@embedding@ is not null offset 0
            ) as t on true
           where t.@key@ is null)
      $sql$) into v_ended using v_ended;
      perform wikiembed_private.forget_truncated(p_name, v_ended);
    end if;
  end if;
end;
$$;
comment on function wikiembed_private.reconcile_source(text, boolean) is
  'Reconciles one source; see wikiembed.reconcile.';

-- Repairs what bypassed the triggers, in both directions: rows without a job, jobs without rows,
-- failures without rows, wrong counts, dropped triggers, dropped tables and columns.
create or replace function wikiembed.reconcile(
  p_source text default null, p_recount boolean default true
) returns table (orphans_enqueued bigint, dead_jobs bigint, ledger_drift bigint, documents_enqueued bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_name text;
  v_found record;
begin
  perform wikiembed_private.require_read_committed();
  orphans_enqueued := 0; dead_jobs := 0; ledger_drift := 0; documents_enqueued := 0;
  if p_source is not null and not exists (select from wikiembed.sources as s where s.name = p_source) then
    perform wikiembed_private.get_source(p_source);
  end if;
  for v_name in
    select s.name from wikiembed.sources as s where p_source is null or s.name = p_source order by s.name
  loop
    v_found := wikiembed_private.reconcile_source(v_name, p_recount);
    orphans_enqueued := orphans_enqueued + v_found.orphans_enqueued;
    dead_jobs := dead_jobs + v_found.dead_jobs;
    ledger_drift := ledger_drift + v_found.ledger_drift;
    documents_enqueued := documents_enqueued + v_found.documents_enqueued;
  end loop;
  if p_source is null then
    dead_jobs := dead_jobs + wikiembed_private.drop_orphans();
  end if;
  if orphans_enqueued > 0 or dead_jobs > 0 or ledger_drift > 0 or documents_enqueued > 0 then
    perform wikiembed_private.log_action('reconcile', p_source, null, jsonb_build_object(
      'orphans_enqueued', orphans_enqueued, 'dead_jobs', dead_jobs, 'ledger_drift', ledger_drift)
      || case when documents_enqueued > 0 then jsonb_build_object('documents_enqueued', documents_enqueued) else '{}' end);
  end if;
  return next;
end;
$$;
comment on function wikiembed.reconcile(text, boolean) is
  'Repairs a source, or all: queues orphaned rows and documents, drops jobs and failures of deleted rows, corrects the ledger (unless p_recount is false), rewrites triggers, detaches sources whose table or column was dropped, and keeps the chunks of those whose table of documents was. Raises WE001, WE008.';

-- A table that was only renamed is not replaced: another table must have its name.
create or replace view wikiembed.replaced_tables as
select s.name as source,
       s.attached_as as name,
       case when c.oid is not null then format('%I.%I', n.nspname, c.relname) end as attached_to
  from wikiembed.sources as s
  left join pg_catalog.pg_class as c on c.oid = s.relation
  left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where exists (
   select from pg_catalog.pg_class as other
     join pg_catalog.pg_namespace as m on m.oid = other.relnamespace
    where m.nspname = (parse_ident(s.attached_as))[1]::name and other.relname = (parse_ident(s.attached_as))[2]::name
      and other.oid <> s.relation and other.relkind in ('r', 'p', 'v', 'm', 'f'));

comment on view wikiembed.replaced_tables is
  'Sources whose table''s name at attach is another table''s now, after a swap by rename or after the table was created again.';
comment on column wikiembed.replaced_tables.source is 'The source.';
comment on column wikiembed.replaced_tables.name is 'The name that the table had at attach, and another one has now.';
comment on column wikiembed.replaced_tables.attached_to is
  'The name of the table that the source is still attached to; null when it was dropped.';
