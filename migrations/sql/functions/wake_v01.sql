create function wikiembed_private.wake(p_queue text) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select pg_notify('procrastinate_queue_v1#' || p_queue, '{"type":"job_inserted","job_id":0}'),
         pg_notify('procrastinate_any_queue_v1', '{"type":"job_inserted","job_id":0}');
$$;
comment on function wikiembed_private.wake(text) is
  'Notifies the workers of one queue and those of all queues, in procrastinate''s words.';
