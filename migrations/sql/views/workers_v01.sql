create view wikiembed.workers as
select w.id as worker_id, w.last_heartbeat,
       round(extract(epoch from clock_timestamp() - w.last_heartbeat), 1) as heartbeat_age_s,
       w.last_heartbeat > clock_timestamp() - interval '30 seconds' as alive,
       (select count(*) from wikiembed_queue.procrastinate_jobs as j
         where j.worker_id = w.id and j.status = 'doing') as doing
  from wikiembed_queue.procrastinate_workers as w;

comment on view wikiembed.workers is 'One row a registered worker and its heartbeat.';
comment on column wikiembed.workers.worker_id is 'procrastinate''s number of the worker.';
comment on column wikiembed.workers.last_heartbeat is 'When it last said that it lives (each 10 s).';
comment on column wikiembed.workers.heartbeat_age_s is 'Seconds since then.';
comment on column wikiembed.workers.alive is 'True when that is less than 30 s ago.';
comment on column wikiembed.workers.doing is 'Jobs in its hand.';
