-- A queueing lock would abort a second truncate while the first one's job waits, so the
-- statement looks first; two at the same time cost one reconcile more.
create function wikiembed_private.queue_reconcile(p_source text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from wikiembed_queue.procrastinate_jobs as j
     where j.queue_name = 'wikiembed_upkeep' and j.task_name = 'wikiembed.reconcile'
       and j.status = 'todo' and j.args ->> 'source' = p_source
  ) then
    perform wikiembed_queue.procrastinate_defer_jobs_v1(array[row(
      'wikiembed_upkeep', 'wikiembed.reconcile', 100, null, null,
      jsonb_build_object('source', p_source), null
    )::wikiembed_queue.procrastinate_job_to_defer_v1]);
  end if;
end;
$$;
comment on function wikiembed_private.queue_reconcile(text) is
  'Queues a reconcile of one source, unless one waits already.';
