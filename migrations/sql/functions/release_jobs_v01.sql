create function wikiembed.release_jobs(p_worker_id bigint, p_job_ids bigint[]) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job wikiembed_queue.procrastinate_jobs;
  v_released bigint := 0;
begin
  for v_job in
    select j.* from wikiembed_queue.procrastinate_jobs as j
     where j.worker_id = p_worker_id and j.status = 'doing' and j.id = any (p_job_ids)
     order by j.id for update of j skip locked
  loop
    if v_job.task_name = 'wikiembed.embed' then
      update wikiembed_queue.procrastinate_jobs as j
         set status = 'todo', scheduled_at = null, worker_id = null, abort_requested = false
       where j.id = v_job.id;
      perform wikiembed_private.wake(v_job.queue_name);
    else
      perform wikiembed_private.rescue_upkeep(v_job);
    end if;
    v_released := v_released + 1;
  end loop;
  return v_released;
end;
$$;
comment on function wikiembed.release_jobs(bigint, bigint[]) is
  'Puts jobs that are doing in the name of a worker back into the queue; answers how many.';
