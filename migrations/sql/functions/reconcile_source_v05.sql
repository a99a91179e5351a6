-- The table is locked in a statement before those that read it: a snapshot from before a truncate
-- sees the table empty and the ledger as it was. After the triggers, whose lock is stronger. What an
-- operator's bounded enqueue left, or what was there at attach, is not queued, but for the keys of
-- jobs that died; once nothing is left, all is as before. Of the deltas only totals are summed: a row
-- that somebody changed to count more goes to the ledger itself. Keys of jobs are gathered before they
-- are joined to the table: where statistics promise few missing rows, Postgres would read all of them
-- once a job. Marks of truncation that bypassed the triggers are looked up where the table is read anyway.
create function wikiembed_private.reconcile_source(
  p_name text, p_recount boolean,
  out orphans_enqueued bigint, out dead_jobs bigint, out ledger_drift bigint
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
begin
  orphans_enqueued := 0; dead_jobs := 0; ledger_drift := 0;
  perform wikiembed_private.lock_source(p_name);
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  if not found then
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
  execute wikiembed_private.fill(v_source, 'lock table %2$s in access share mode');
  execute wikiembed_private.fill(v_source, $sql$
    with live as materialized (
      select j.id, k.key collate "C" as key
        from wikiembed_queue.procrastinate_jobs as j
       cross join lateral jsonb_array_elements_text(
               case jsonb_typeof(j.args -> 'keys') when 'array' then j.args -> 'keys' else '[]' end) as k (key)
       where j.queue_name = %7$L and j.task_name = 'wikiembed.embed' and j.status = 'todo'
    ), alive as materialized (
      select distinct l.id from live as l join %2$s as t on t.%3$I::text collate "C" = l.key and t.%5$I is null
    ), dead as materialized (
      select j.id from wikiembed_queue.procrastinate_jobs as j left join alive as a on a.id = j.id
       where j.queue_name = %7$L and j.task_name = 'wikiembed.embed'
         and (j.status in ('failed', 'cancelled', 'aborted') or (j.status = 'todo' and a.id is null))
         for update of j skip locked
    ), deleted as (
      delete from wikiembed_queue.procrastinate_jobs as j using dead as d where j.id = d.id
      returning j.id, j.status, j.args
    ), lost as (
      select d.id, t.%3$I::text as key
        from deleted as d
       cross join lateral jsonb_array_elements_text(
               case jsonb_typeof(d.args -> 'keys') when 'array' then d.args -> 'keys' else '[]' end) as k (key)
        join %2$s as t on t.%3$I::text collate "C" = k.key collate "C" and t.%5$I is null
       where $1 and d.status <> 'todo'
         and not exists (select from wikiembed.failures as f
                          where f.source = %1$L and f.key = t.%3$I::text collate "C")
    ), queued as (
      insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
      select %7$L, 'wikiembed.embed', 0, jsonb_build_object('source', %1$L, 'keys', to_jsonb(array_agg(l.key)))
        from lost as l
       group by l.id
    )
    select (select count(*) from deleted), (select count(*) from lost)
  $sql$) into dead_jobs, orphans_enqueued using v_source.held_back_at is not null;
  execute wikiembed_private.fill(v_source, $sql$
    select array(
      select f.key from wikiembed.failures as f
       where f.source = %1$L
         and not exists (select from %2$s as t where t.%5$I is null and t.%3$I::text collate "C" = f.key)
       order by f.key for update of f skip locked)
  $sql$) into v_ended;
  if cardinality(v_ended) > 0 then
    execute wikiembed_private.fill(v_source, 'select array_agg(t.%3$I::text) from %2$s as t where t.%3$I = any ($1::%6$s[])')
      into v_cured using v_ended;
    perform wikiembed_private.forget_failures(p_name, v_ended, 'deleted', v_cured);
  end if;
  if v_source.held_back_at is not null
     and (select e.chunks from wikiembed.enqueue(p_name, 1, p_dry_run => true) as e) = 0
  then
    update wikiembed.sources as s set held_back_at = null where s.name = p_name;
  elsif v_source.held_back_at is null then
    select e.chunks into orphans_enqueued from wikiembed.enqueue(p_name) as e;
  end if;
  if p_recount then
    execute wikiembed_private.fill(v_source, $sql$
      with d as (
        delete from wikiembed_private.%14$I as d where d.gained <> 0 or d.failed <> 0 or d.skipped <> 0
        returning d.*
      )
      insert into wikiembed.ledger (source, at, total, embedded, gained, failed, skipped)
      select d.source, d.at, d.total, d.embedded, d.gained, d.failed, d.skipped from d
    $sql$, null, 'deltas');
    ledger_drift := wikiembed_private.correct_ledger(p_name);
    v_ended := array(select c.key from wikiembed.truncated_chunks as c where c.source = p_name collate "default");
    if cardinality(v_ended) > 0 then
      execute wikiembed_private.fill(v_source, $sql$
        select array(
          select g.key
            from unnest($1) as g (key)
            left join lateral (
              select t.%3$I from %2$s as t where t.%3$I = g.key::%6$s and t.%5$I is not null offset 0
            ) as t on true
           where t.%3$I is null)
      $sql$) into v_ended using v_ended;
      perform wikiembed_private.forget_truncated(p_name, v_ended);
    end if;
  end if;
end;
$$;
comment on function wikiembed_private.reconcile_source(text, boolean) is
  'Reconciles one source; see wikiembed.reconcile.';
