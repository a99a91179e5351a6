-- Keys come with the collation of a user's column, which meets that of ours: each comparison states
-- its own. Locked in key order first: else two deletes, or a delete and a retry, die in a deadlock. The
-- deletion is a second statement, so that it sees what a holder before it committed.
create function wikiembed_private.forget_failures(p_source text, p_keys text[]) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_forgotten bigint;
begin
  perform 1 from wikiembed.failures as f
    where f.source = p_source collate "default" and f.key = any (p_keys collate "C") order by f.key for update;
  if not found then
    return 0;
  end if;
  delete from wikiembed.failures as f where f.source = p_source collate "default" and f.key = any (p_keys collate "C");
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end;
$$;
comment on function wikiembed_private.forget_failures(text, text[]) is
  'Deletes the failures of these keys, locked in key order; answers how many.';
