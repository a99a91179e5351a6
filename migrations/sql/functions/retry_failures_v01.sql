-- The failure goes and a job comes, in one transaction. Failures that somebody holds are passed by:
-- he changes or deletes that chunk, which ends its failure; to wait for him, holding others, could
-- end his transaction in a deadlock. Skipped rows are retried only when they are named by key or
-- by class.
create function wikiembed.retry_failures(
  p_source text, p_keys text[] default null, p_error_class text default null
) returns table (jobs bigint, chunks bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_source wikiembed.sources;
  v_keys text[];
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.lock_source(p_source);
  v_source := wikiembed_private.get_source(p_source);
  v_keys := array(
    select f.key from wikiembed.failures as f
     where f.source = p_source
       and (p_keys is null or f.key = any (p_keys))
       and (p_error_class is null or f.error_class = p_error_class)
       and (f.state = 'failed' or p_keys is not null or p_error_class is not null)
     order by f.key for update skip locked);
  delete from wikiembed.failures as f where f.source = p_source and f.key = any (v_keys);
  select count(*), coalesce(sum(b.chunks), 0) into jobs, chunks
    from (
      select (wikiembed_private.requeue(p_source, array_agg(n.key), -1, 0)) as chunks
        from (select k as key, (row_number() over () - 1) / v_source.batch_size as batch
                from unnest(v_keys) as k) as n
       group by n.batch
    ) as b;
  if cardinality(v_keys) > 0 then
    perform wikiembed_private.log_action('retry', p_source, p_error_class,
      jsonb_build_object('chunks', chunks, 'jobs', jobs));
  end if;
  return next;
end;
$$;
comment on function wikiembed.retry_failures(text, text[], text) is
  'Queues failed chunks again, all or those of some keys or of one class, and forgets their failures, but for those that somebody holds; answers jobs and chunks. Raises WE001, WE008.';
