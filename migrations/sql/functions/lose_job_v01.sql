create function wikiembed_private.lose_job(p_job wikiembed_queue.procrastinate_jobs) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source text := p_job.args ->> 'source';
  v_keys text[] := array(select jsonb_array_elements_text(p_job.args -> 'keys'));
  v_versions bigint[];
begin
  delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
  if exists (select from wikiembed.sources as s where s.name = v_source) and cardinality(v_keys) > 0 then
    v_versions := array(select r.version from wikiembed.read_chunks(v_source, v_keys) as r);
    if cardinality(v_versions) > 0 then
      perform wikiembed.record_failures(
        v_source, v_keys, v_versions, 'worker_lost',
        'Each worker that took this chunk ended without a word.', p_attempts => 3, p_job_id => p_job.id);
    end if;
  end if;
end;
$$;
comment on function wikiembed_private.lose_job(wikiembed_queue.procrastinate_jobs) is
  'Ends a job of one chunk that outlived three workers: the chunk is recorded as worker_lost.';
