-- The rarer half of a write or of a failure's recording: what became of the keys that were
-- passed by. A row that is still missing with its version was held by somebody: queue it again.
create function wikiembed_private.write_outcomes(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.fill(p_source, $template$
    create or replace function wikiembed_private.%12$I(
      p_keys text[], p_versions bigint[], p_generation bigint,
      p_done text[], p_rewritten text[], p_attempt integer, p_word text default 'written')
    returns table (key text, outcome text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set enable_seqscan = off
    set jit = off
    as $body$
    declare
      v_keys text[];
      v_outcomes text[];
    begin
      select array_agg(g.key), array_agg(
               case
                 when g.key collate "C" = any (coalesce(p_rewritten, '{}')) then 'stale'
                 when g.key collate "C" = any (coalesce(p_done, '{}')) then p_word
                 when t.missing is null then 'gone'
                 when t.missing and t.version is not distinct from g.version then 'locked'
                 else 'stale'
               end)
        into v_keys, v_outcomes
        from unnest(p_keys, p_versions) as g (key, version)
        left join lateral (
          select t.%5$I is null as missing,
                 case when t.%5$I is null then hashtextextended(t.%4$I::text collate "C", p_generation) end as version
            from %2$s as t
           where t.%3$I = g.key::%6$s
          offset 0
        ) as t on true;
      perform wikiembed_private.requeue(%1$L, array(
        select o.key from unnest(v_keys, v_outcomes) as o (key, outcome) where o.outcome = 'locked'
      ), p_attempt);
      return query select * from unnest(v_keys, v_outcomes);
    end;
    $body$
  $template$, 'outcomes');
end;
$$;
comment on function wikiembed_private.write_outcomes(wikiembed.sources) is
  'Writes the function that says what became of each key of a source''s batch.';
