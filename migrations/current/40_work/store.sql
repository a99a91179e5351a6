-- Compare and set. The table is locked first, then the source, as in detach: in the other order the
-- two would deadlock. The source is locked for key share, which a change of generation waits for;
-- rows that another transaction has locked are skipped and requeued; a row whose text another trigger
-- rewrote within the same update loses its vector again. Each key is looked up by itself, in a
-- subquery that cannot be joined otherwise, and the update's rows are found by their keys before they
-- are joined: where statistics estimate few missing rows, Postgres would read all of them per batch.
create or replace function wikiembed_private.generate_store(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@store@(
      p_keys text[], p_versions bigint[], p_embeddings @vector_schema@.vector[], p_attempt integer)
    returns table (key text, outcome text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    @key_joins@
    set enable_mergejoin = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_held bigint;
      v_written text[];
      v_rewritten text[];
    begin
      lock table only @table@ in row exclusive mode;
      select s.generation into v_generation from wikiembed.sources as s
       where s.name = @source@ for key share skip locked;
      if not found then
        if not exists (select from wikiembed.sources as s where s.name = @source@) then
          return query select k, 'gone'::text from unnest(p_keys) as k;
          return;
        end if;
        perform wikiembed_private.requeue(@source@, p_keys, p_attempt);
        return query select k, 'locked'::text from unnest(p_keys) as k;
        return;
      end if;
      with held as materialized (
        select h.*, g.version, g.embedding
          from (
            select g.key, g.version, g.embedding
              from unnest(@typed_keys(p_keys)@, p_versions, p_embeddings) as g (key, version, embedding)
             order by g.key
          ) as g
         cross join lateral (
           select @key_columns(t)@ from @table@ as t
            where @is_key(t, g.key)@ and num_nulls(t.@embedding@) = 1
              and hashtextextended(@text_of(t)@ collate "C", v_generation) = g.version
              for no key update of t skip locked
         ) as h
      ), written as (
        update @table@ as t set @embedding@ = h.embedding@vector_cast@
          from held as h
         where @is_held(t)@ and num_nulls(t.@embedding@) = 1
        returning @key_of(t)@ as key,
                  hashtextextended(@text_of(t)@ collate "C", v_generation) is distinct from h.version
                    as rewritten
      )
      select array_agg(w.key), array_agg(w.key) filter (where w.rewritten),
             (select count(*) from (select distinct @held_keys(h)@ from held as h) as h)
        into v_written, v_rewritten, v_held
        from written as w;
      if v_held > coalesce(cardinality(v_written), 0) then
        raise exception 'a trigger of % prevents a vector from being written', @table_literal@
          using errcode = 'WE012', hint = 'A before update trigger returned null.';
      end if;
      if v_rewritten is not null then
        @null_rows(v_rewritten)@
      end if;
      if coalesce(cardinality(v_written), 0) = cardinality(p_keys) and v_rewritten is null then
        return query select k, 'written'::text from unnest(p_keys) as k;
        return;
      end if;
      return query select o.key, o.outcome
        from wikiembed_private.@outcomes@(p_keys, p_versions, v_generation, v_written, v_rewritten, p_attempt) as o;
    end;
    $body$
  $template$);
end;
$$;
comment on function wikiembed_private.generate_store(wikiembed.sources) is
  'Generates the function that stores a source''s vectors.';

create or replace function wikiembed.write_embeddings(
  p_source text, p_keys text[], p_versions bigint[], p_embeddings vector[],
  p_attempt integer default 0
) returns table (key text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if cardinality(p_keys) <> cardinality(p_versions) or cardinality(p_keys) <> cardinality(p_embeddings) then
    raise exception 'keys, versions and embeddings differ in length'
      using errcode = 'WE010',
            hint = format('Got %s, %s and %s.', cardinality(p_keys), cardinality(p_versions), cardinality(p_embeddings));
  end if;
  if not exists (select from wikiembed.sources as s where s.name = p_source) then
    perform wikiembed_private.get_source(p_source);
  end if;
  return query execute format('select * from wikiembed_private.%I($1, $2, $3, $4)', 'store_' || p_source)
    using p_keys, p_versions, p_embeddings, p_attempt;
end;
$$;
comment on function wikiembed.write_embeddings(text, text[], bigint[], vector[], integer) is
  'Stores vectors where the row is still null and its text still has the version; returns for each key: written, stale, locked (requeued) or gone. Raises WE001, WE010, WE012.';
