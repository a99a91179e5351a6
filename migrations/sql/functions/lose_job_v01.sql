-- A key that the source's type cannot hold is nobody's: a job deferred by hand may have one.
create function wikiembed_private.lose_job(p_job wikiembed_queue.procrastinate_jobs) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source text := p_job.args ->> 'source';
  v_keys text[] := wikiembed_private.keys_of(p_job.args);
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
exception when invalid_text_representation or numeric_value_out_of_range then
  delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
end;
$$;
comment on function wikiembed_private.lose_job(wikiembed_queue.procrastinate_jobs) is
  'Ends a job of one chunk that outlived three workers: the chunk is recorded as worker_lost.';
