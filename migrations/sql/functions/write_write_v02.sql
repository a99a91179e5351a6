-- Compare and set. The table comes first, then the source, as in detach: the other way round the
-- two would end in a deadlock. The source is held for key share, which a change of generation waits for;
-- rows that somebody holds are passed by and queued again; a row whose text another trigger
-- rewrote within this very update loses its vector again. Each key is looked up by itself, in a
-- subquery that cannot be joined otherwise, and the update's rows are found by their keys before they
-- are joined: where statistics promise few missing rows, Postgres would read all of them a batch.
create function wikiembed_private.write_write(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.fill(p_source, $template$
    create or replace function wikiembed_private.%12$I(
      p_keys text[], p_versions bigint[], p_embeddings %11$I.vector[], p_attempt integer)
    returns table (key text, outcome text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    set enable_nestloop = off
    set enable_mergejoin = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_held bigint;
      v_written text[];
      v_rewritten text[];
    begin
      lock table only %2$s in row exclusive mode;
      select s.generation into v_generation from wikiembed.sources as s
       where s.name = %1$L for key share skip locked;
      if not found then
        if not exists (select from wikiembed.sources as s where s.name = %1$L) then
          return query select k, 'gone'::text from unnest(p_keys) as k;
          return;
        end if;
        perform wikiembed_private.requeue(%1$L, p_keys, p_attempt);
        return query select k, 'locked'::text from unnest(p_keys) as k;
        return;
      end if;
      with held as materialized (
        select h.key, g.version, g.embedding
          from (
            select g.key, g.version, g.embedding
              from unnest(p_keys::%6$s[], p_versions, p_embeddings) as g (key, version, embedding)
             order by g.key
          ) as g
         cross join lateral (
           select t.%3$I as key from %2$s as t
            where t.%3$I = g.key and num_nulls(t.%5$I) = 1
              and hashtextextended(t.%4$I::text collate "C", v_generation) = g.version
              for no key update of t skip locked
         ) as h
      ), written as (
        update %2$s as t set %5$I = h.embedding%9$s
          from held as h
         where t.%3$I = any (array(select h.key from held as h)) and t.%3$I = h.key and num_nulls(t.%5$I) = 1
        returning t.%3$I::text as key,
                  hashtextextended(t.%4$I::text collate "C", v_generation) is distinct from h.version
                    as rewritten
      )
      select array_agg(w.key), array_agg(w.key) filter (where w.rewritten),
             (select count(distinct h.key) from held as h)
        into v_written, v_rewritten, v_held
        from written as w;
      if v_held > coalesce(cardinality(v_written), 0) then
        raise exception 'a trigger of %% keeps a vector from being written', %2$L
          using errcode = 'WE012', hint = 'A before update trigger returned null.';
      end if;
      if v_rewritten is not null then
        update %2$s as t set %5$I = null where t.%3$I = any (v_rewritten::%6$s[]);
      end if;
      if coalesce(cardinality(v_written), 0) = cardinality(p_keys) and v_rewritten is null then
        return query select k, 'written'::text from unnest(p_keys) as k;
        return;
      end if;
      return query select o.key, o.outcome
        from wikiembed_private.%13$I(p_keys, p_versions, v_generation, v_written, v_rewritten, p_attempt) as o;
    end;
    $body$
  $template$, 'store');
end;
$$;
comment on function wikiembed_private.write_write(wikiembed.sources) is
  'Writes the function that stores a source''s vectors.';
