create function wikiembed.grant_reader(p_role name) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('grant usage on schema wikiembed to %I', p_role);
  execute format('grant select on wikiembed.coverage, wikiembed.queue, wikiembed.workers, wikiembed.throughput,'
    ' wikiembed.failures, wikiembed.failure_history, wikiembed.truncated_chunks,'
    ' wikiembed.truncation_checks, wikiembed.truncation, wikiembed.outages, wikiembed.sources, wikiembed.action_log,'
    ' wikiembed.replaced_tables, wikiembed.alembic_version to %I', p_role);
  execute format('grant execute on function wikiembed.is_ready(text), wikiembed.is_ready(text, boolean), wikiembed_private.sum_deltas(text),'
    ' wikiembed_private.count_jobs(text) to %I', p_role);
end;
$$;
comment on function wikiembed.grant_reader(name) is
  'Lets a role read the views, the failures and their history, the truncated chunks, the outages, the sources and the action log, and ask is_ready; it changes nothing.';
