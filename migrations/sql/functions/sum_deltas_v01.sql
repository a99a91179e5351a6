-- Stable, so that it sees what the query sees that calls it: a row that is folded meanwhile is
-- counted once. A source that is detached meanwhile has no table any more.
create function wikiembed_private.sum_deltas(p_source text, out total bigint, out embedded bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    'select coalesce(sum(d.total), 0)::bigint, coalesce(sum(d.embedded), 0)::bigint from wikiembed_private.%I as d',
    'deltas_' || p_source) into total, embedded;
exception when undefined_table then
  total := 0; embedded := 0;
end;
$$;
comment on function wikiembed_private.sum_deltas(text) is
  'Sums of a source''s ledger rows that are not folded yet; for view coverage.';
