-- What a worker should have in hand. A fetch whose answer was lost with its connection leaves a
-- job `doing` under a live worker: the worker finds it by comparing, and gives it back.
create function wikiembed.jobs_of_worker(p_worker_id bigint) returns bigint[]
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select array(
    select j.id from wikiembed_queue.procrastinate_jobs as j
     where j.worker_id = p_worker_id and j.status = 'doing' order by j.id);
$$;
comment on function wikiembed.jobs_of_worker(bigint) is
  'Numbers of the jobs that are doing in the name of a worker.';
