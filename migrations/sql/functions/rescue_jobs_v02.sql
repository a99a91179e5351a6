-- A worker that died leaves its job `doing`; so does one whose finish failed. The third rescue
-- splits the job, since a chunk may be what kills the workers; alone, that chunk is blamed.
create function wikiembed.rescue_jobs(
  p_heartbeat_s double precision default 30, p_hard_limit_s double precision default 1800
) returns table (rescued bigint, split bigint, lost bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job wikiembed_queue.procrastinate_jobs;
  v_rescues integer;
begin
  rescued := 0; split := 0; lost := 0;
  for v_job in
    select j.* from wikiembed_queue.procrastinate_jobs as j
     where j.status = 'doing'
       and (not exists (
              select from wikiembed_queue.procrastinate_workers as w
               where w.id = j.worker_id
                 and w.last_heartbeat > clock_timestamp() - make_interval(secs => p_heartbeat_s))
            or j.started_at < clock_timestamp() - make_interval(secs => p_hard_limit_s))
     order by j.id
       for update of j skip locked
  loop
    v_rescues := 1 + coalesce(
      case jsonb_typeof(v_job.args -> 'rescues')
        when 'number' then greatest(0, least(2, (v_job.args ->> 'rescues')::numeric))::integer end, 0);
    if v_job.task_name <> 'wikiembed.embed' then
      perform wikiembed_private.rescue_upkeep(v_job);
      rescued := rescued + 1;
    elsif v_rescues < 3 then
      update wikiembed_queue.procrastinate_jobs as j
         set status = 'todo', attempts = j.attempts + 1, scheduled_at = null, worker_id = null,
             abort_requested = false,
             args = j.args || jsonb_build_object('rescues', v_rescues)
       where j.id = v_job.id;
      perform wikiembed_private.wake(v_job.queue_name);
      rescued := rescued + 1;
    elsif cardinality(wikiembed_private.keys_of(v_job.args)) > 1 then
      perform wikiembed_private.split_job(v_job);
      split := split + 1;
    else
      perform wikiembed_private.lose_job(v_job);
      lost := lost + 1;
    end if;
  end loop;
  return next;
end;
$$;
comment on function wikiembed.rescue_jobs(double precision, double precision) is
  'Queues again the jobs of workers without a heartbeat and jobs that run too long (s); splits a job at its third rescue; answers how many of each.';
