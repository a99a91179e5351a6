-- One part an index: what can begin at once, what waits or waited for its time, what is doing.
create view wikiembed.queue as
select s.name as source,
       a.jobs + t.due as todo,
       d.jobs as doing,
       (select round(extract(epoch from clock_timestamp() - j.queued_at), 1)
          from wikiembed_queue.procrastinate_jobs as j
         where j.id = least(a.oldest, t.oldest)) as oldest_todo_s,
       t.jobs - t.due as scheduled_later
  from wikiembed.sources as s
 cross join lateral (
   select count(*) as jobs, min(j.id) as oldest
     from wikiembed_queue.procrastinate_jobs as j
    where j.queue_name = s.queue_name and j.status = 'todo' and j.scheduled_at is null) as a
 cross join lateral (
   select count(*) as jobs,
          count(*) filter (where j.scheduled_at <= now()) as due,
          min(j.id) filter (where j.scheduled_at <= now()) as oldest
     from wikiembed_queue.procrastinate_jobs as j
    where j.queue_name = s.queue_name and j.status = 'todo' and j.scheduled_at is not null) as t
 cross join lateral (
   select count(*) as jobs
     from wikiembed_queue.procrastinate_jobs as j
    where j.queue_name = s.queue_name and j.status = 'doing') as d;
