create view wikiembed.queue as
select q.source, q.todo, q.doing,
       (select round(extract(epoch from clock_timestamp() - min(e.at)), 1)
          from wikiembed_queue.procrastinate_events as e
         where e.job_id = q.oldest and e.type = 'deferred') as oldest_todo_s,
       q.scheduled_later
  from (
    select s.name as source,
           count(*) filter (where j.status = 'todo' and (j.scheduled_at is null or j.scheduled_at <= now())) as todo,
           count(*) filter (where j.status = 'doing') as doing,
           min(j.id) filter (where j.status = 'todo' and (j.scheduled_at is null or j.scheduled_at <= now())) as oldest,
           count(*) filter (where j.status = 'todo' and j.scheduled_at > now()) as scheduled_later
      from wikiembed.sources as s
      left join wikiembed_queue.procrastinate_jobs as j
        on j.queue_name = s.queue_name and j.status in ('todo', 'doing')
     group by s.name
  ) as q;

comment on view wikiembed.queue is 'One row a source: its jobs that wait, run, or wait for their time.';
comment on column wikiembed.queue.source is 'The source.';
comment on column wikiembed.queue.todo is 'Jobs that could begin now.';
comment on column wikiembed.queue.doing is 'Jobs that a worker has in hand.';
comment on column wikiembed.queue.oldest_todo_s is 'Seconds since the oldest job that could begin was queued.';
comment on column wikiembed.queue.scheduled_later is 'Jobs that wait for a later time.';
