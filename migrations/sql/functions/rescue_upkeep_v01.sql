create function wikiembed_private.rescue_upkeep(p_job wikiembed_queue.procrastinate_jobs) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from wikiembed_queue.procrastinate_jobs as j
              where j.queueing_lock = p_job.queueing_lock and j.status = 'todo') then
    delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
  else
    update wikiembed_queue.procrastinate_jobs as j
       set status = 'todo', attempts = j.attempts + 1, scheduled_at = null, worker_id = null,
           abort_requested = false
     where j.id = p_job.id;
    perform wikiembed_private.wake(p_job.queue_name);
  end if;
end;
$$;
comment on function wikiembed_private.rescue_upkeep(wikiembed_queue.procrastinate_jobs) is
  'Queues an upkeep job again, or drops it when its next one waits already.';
