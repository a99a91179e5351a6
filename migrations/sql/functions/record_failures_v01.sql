create function wikiembed.record_failures(
  p_source text, p_keys text[], p_versions bigint[], p_error_class text, p_message text default '',
  p_http_status integer default null, p_attempts integer default 1, p_job_id bigint default null,
  p_state text default 'failed', p_attempt integer default 0
) returns table (key text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if cardinality(p_keys) <> cardinality(p_versions) then
    raise exception 'keys and versions differ in length'
      using errcode = 'WE010', hint = format('Got %s and %s.', cardinality(p_keys), cardinality(p_versions));
  end if;
  if not exists (select from wikiembed.sources as s where s.name = p_source) then
    perform wikiembed_private.get_source(p_source);
  end if;
  return query execute
    format('select * from wikiembed_private.%I($1, $2, $3, $4, $5, $6, $7, $8, $9)', 'fail_' || p_source)
    using p_keys, p_versions, p_error_class, coalesce(p_message, ''), p_http_status, p_attempts, p_job_id,
          p_state, p_attempt;
end;
$$;
comment on function wikiembed.record_failures(
  text, text[], bigint[], text, text, integer, integer, bigint, text, integer) is
  'Records a failure of each row that is still null with that version; says of each key: recorded, stale, locked (queued again) or gone. Raises WE001, WE010.';
