-- The lock of the jobs lasts until the new triggers count what changes.
lock table wikiembed_queue.procrastinate_jobs in share row exclusive mode;
alter table wikiembed_private.queue_ledger add column if not exists chunks bigint not null default 0;
insert into wikiembed_private.queue_ledger (jobs, chunks, queue_name)
select 0, j.chunks - coalesce(l.chunks, 0), j.queue_name
  from (select sum(jsonb_array_length(j.args -> 'keys')) as chunks, j.queue_name
          from wikiembed_queue.procrastinate_jobs as j
         where j.status in ('todo', 'doing') and j.task_name = 'wikiembed.embed'
           and jsonb_typeof(j.args -> 'keys') = 'array'
         group by j.queue_name) as j
  left join (select sum(l.chunks) as chunks, l.queue_name from wikiembed_private.queue_ledger as l
              group by l.queue_name) as l on l.queue_name = j.queue_name
 where j.chunks <> coalesce(l.chunks, 0);
