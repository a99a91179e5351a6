-- One probe of an index a queue, however many jobs wait in each, under the settings of fetch_jobs.
create function wikiembed_private.waiting_queues() returns character varying[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    with recursive q as (
      select least(
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is null
          order by j.queue_name limit 1),
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is not null
          order by j.queue_name limit 1)) as name
      union all
      select least(
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is null and j.queue_name > q.name
          order by j.queue_name limit 1),
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is not null and j.queue_name > q.name
          order by j.queue_name limit 1))
        from q where q.name is not null
    )
    select q.name from q where q.name is not null);
end;
$$;
comment on function wikiembed_private.waiting_queues() is
  'The queues in which a job waits, by name.';
