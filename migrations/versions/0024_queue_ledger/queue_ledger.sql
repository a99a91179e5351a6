-- Without an index, since each statement on the queue writes a row, and a fold leaves one per queue.
create table if not exists wikiembed_private.queue_ledger (
  jobs bigint not null,
  queue_name text not null
);
alter table wikiembed_private.queue_ledger replica identity full;
insert into wikiembed_private.queue_ledger (jobs, queue_name)
select j.jobs - coalesce(l.jobs, 0), j.queue_name
  from (select count(*) as jobs, j.queue_name from wikiembed_queue.procrastinate_jobs as j
         where j.status = 'doing' or (j.status = 'todo' and j.scheduled_at is null)
         group by j.queue_name) as j
  left join (select sum(l.jobs) as jobs, l.queue_name from wikiembed_private.queue_ledger as l
              group by l.queue_name) as l on l.queue_name = j.queue_name
 where j.jobs <> coalesce(l.jobs, 0);
-- The pause gate does what it did.
drop trigger if exists wikiembed_refuse_abort on wikiembed_queue.procrastinate_jobs;
