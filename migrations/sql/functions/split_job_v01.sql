create function wikiembed_private.split_job(p_job wikiembed_queue.procrastinate_jobs) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys text[] := wikiembed_private.keys_of(p_job.args);
  v_half integer := cardinality(v_keys) / 2;
begin
  perform wikiembed_queue.procrastinate_defer_jobs_v1(array(
    select row(
             p_job.queue_name, p_job.task_name, p_job.priority, null, null,
             p_job.args || jsonb_build_object('keys', to_jsonb(h.keys), 'rescues', 2), null
           )::wikiembed_queue.procrastinate_job_to_defer_v1
      from (values (1, v_keys[:v_half]), (2, v_keys[v_half + 1:])) as h (n, keys)
     order by h.n));
  delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
end;
$$;
comment on function wikiembed_private.split_job(wikiembed_queue.procrastinate_jobs) is
  'Replaces a job by two with half of its keys each; the next rescue splits those at once.';
