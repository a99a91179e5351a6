-- Parsed on creation and without settings of its own, so that Postgres inlines it: a caller that reads a
-- part pays for that part.
-- Live jobs are read in three parts, each of which has an index: jobs of other sources are not read.
create or replace function wikiembed_private.live_keys(p_queue text, p_task text)
returns table (job_id bigint, status text, key text)
language sql stable
begin atomic
  select j.id, j.status, k.key collate "C"
    from (
           select a.id, a.status::text as status, a.task_name, a.args from wikiembed_queue.procrastinate_jobs as a
            where a.queue_name = p_queue and a.status = 'todo' and a.scheduled_at is null
            union all
           select b.id, b.status::text, b.task_name, b.args from wikiembed_queue.procrastinate_jobs as b
            where b.queue_name = p_queue and b.status = 'todo' and b.scheduled_at is not null
            union all
           select c.id, c.status::text, c.task_name, c.args from wikiembed_queue.procrastinate_jobs as c
            where c.queue_name = p_queue and c.status = 'doing'
         ) as j,
         jsonb_array_elements_text(
           case jsonb_typeof(j.args -> (case p_task when 'wikiembed.split' then 'documents' else 'keys' end))
             when 'array' then j.args -> (case p_task when 'wikiembed.split' then 'documents' else 'keys' end) else '[]' end) as k (key)
   where j.task_name = p_task;
end;
comment on function wikiembed_private.live_keys(text, text) is
  'The keys of chunks, or for wikiembed.split of documents, in jobs of a queue that wait or run.';
