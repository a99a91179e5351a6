-- It waits for rows that somebody holds, at most 10 s: the operator named them.
create function wikiembed.skip(p_source text, p_keys text[], p_why text default null) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '10s'
as $$
declare
  v_source wikiembed.sources;
  v_skipped bigint;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.lock_source(p_source);
  v_source := wikiembed_private.get_source(p_source);
  perform wikiembed_private.require_table(v_source);
  execute wikiembed_private.fill(v_source, $sql$
    with held as materialized (
      select t.%3$I::text collate "C" as key from %2$s as t
       where t.%3$I = any ($1::%6$s[]) and t.%5$I is null
       order by t.%3$I for no key update of t
    )
    insert into wikiembed.failures as f (source, key, state, error_class, message, attempts)
    select %1$L, h.key, 'skipped', 'skipped_by_operator', coalesce($2, ''), 0 from held as h order by h.key
        on conflict (source, key) do update
           set state = excluded.state, error_class = excluded.error_class, message = excluded.message,
               last_at = excluded.last_at
  $sql$) using p_keys, p_why;
  get diagnostics v_skipped = row_count;
  perform wikiembed_private.log_action('skip', p_source, p_why, jsonb_build_object('chunks', v_skipped));
  return v_skipped;
end;
$$;
comment on function wikiembed.skip(text, text[], text) is
  'Marks missing chunks as skipped: nobody waits for them and no worker embeds them; answers how many. Raises WE001, WE008.';
