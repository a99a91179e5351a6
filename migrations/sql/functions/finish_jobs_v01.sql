-- As procrastinate_finish_job_v1 ends a job that succeeded and is to be deleted, for several. They
-- are locked in order first, so that two calls do not end in a deadlock.
create function wikiembed_private.finish_jobs(p_job_ids bigint[]) returns bigint[]
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  v_ids bigint[];
begin
  v_ids := array(
    select j.id from wikiembed_queue.procrastinate_jobs as j
     where j.id = any (p_job_ids) and j.status in ('todo', 'doing')
     order by j.id
       for update);
  with gone as (
    delete from wikiembed_queue.procrastinate_jobs as j where j.id = any (v_ids) returning j.id
  )
  select coalesce(array_agg(g.id order by g.id), '{}') into v_ids from gone as g;
  return v_ids;
end;
$$;
comment on function wikiembed_private.finish_jobs(bigint[]) is
  'Deletes those of these jobs that wait or are doing; answers their numbers.';
