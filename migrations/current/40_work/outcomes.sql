-- The rarer half of a write or of recording a failure: the outcomes of the keys that were skipped.
-- A row that is still missing with its version was locked by another transaction: requeue it.
create or replace function wikiembed_private.generate_outcomes(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@outcomes@(
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
          select t.@embedding@ is null as missing,
                 case when t.@embedding@ is null then hashtextextended(@text_of(t)@ collate "C", p_generation) end as version
            from @table@ as t
           where @is_text_key(t, g.key)@
          offset 0
        ) as t on true;
      perform wikiembed_private.requeue(@source@, array(
        select o.key from unnest(v_keys, v_outcomes) as o (key, outcome) where o.outcome = 'locked'
      ), p_attempt);
      return query select * from unnest(v_keys, v_outcomes);
    end;
    $body$
  $template$);
end;
$$;
comment on function wikiembed_private.generate_outcomes(wikiembed.sources) is
  'Generates the function that returns the outcome for each key of a source''s batch.';
