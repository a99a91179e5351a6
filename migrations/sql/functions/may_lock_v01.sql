-- Embed jobs have no lock; those of other tasks may.
create function wikiembed_private.may_lock(p_job wikiembed_queue.procrastinate_jobs) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    select from wikiembed_queue.procrastinate_jobs as o
     where o.lock = p_job.lock
       and (o.status = 'doing'
            or (o.status = 'todo'
                and (o.priority > p_job.priority or (o.priority = p_job.priority and o.id < p_job.id)))));
$$;
comment on function wikiembed_private.may_lock(wikiembed_queue.procrastinate_jobs) is
  'procrastinate''s rule: no job of the same lock is doing or goes before this one.';
