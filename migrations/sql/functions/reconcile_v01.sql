-- Heals what bypassed the triggers, in both directions: rows without a job, jobs without rows,
-- failures without rows, counts that differ, triggers that are gone, tables and columns that are gone.
create function wikiembed.reconcile(
  p_source text default null, p_recount boolean default true
) returns table (orphans_enqueued bigint, dead_jobs bigint, ledger_drift bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_name text;
  v_found record;
begin
  perform wikiembed_private.require_read_committed();
  orphans_enqueued := 0; dead_jobs := 0; ledger_drift := 0;
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
  end loop;
  if p_source is null then
    dead_jobs := dead_jobs + wikiembed_private.drop_strayed();
  end if;
  if orphans_enqueued > 0 or dead_jobs > 0 or ledger_drift > 0 then
    perform wikiembed_private.log_action('reconcile', p_source, null, jsonb_build_object(
      'orphans_enqueued', orphans_enqueued, 'dead_jobs', dead_jobs, 'ledger_drift', ledger_drift));
  end if;
  return next;
end;
$$;
comment on function wikiembed.reconcile(text, boolean) is
  'Heals a source, or all: queues orphaned rows, drops dead jobs and failures, corrects the ledger (unless told not to count), rewrites triggers, detaches sources whose table or column was dropped. Raises WE001, WE008.';
