-- Most rows are locked by no other transaction, and their locks would cost more than the reading: a row whose xmax
-- is zero is read as it is. The others are locked, and skipped where another transaction has locked them. `offset 0`
-- prevents a subquery from being joined in any way but a look-up of each key: the best way depends
-- on statistics, and those of a table that was analyzed while it was empty are wrong. So does
-- num_nulls: with `is null` Postgres may choose an index of the user's, of missing rows by another
-- column.
create or replace function wikiembed_private.generate_read(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@read@(p_keys text[], p_attempt integer)
    returns table (key text, content text, version bigint, source_version text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    @key_lookups@
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_source_version text;
      v_keys text[];
      v_contents text[];
      v_versions bigint[];
      v_locked text[];
    begin
      lock table only @table@ in row share mode;
      select s.generation, s.xmin || ' ' || s.ctid into v_generation, v_source_version
        from wikiembed.sources as s where s.name = @source@;
      if not found then
        return;
      end if;
      select array_agg(@key_of(t)@), array_agg(@text_of(t)@),
             array_agg(hashtextextended(@text_of(t)@ collate "C", v_generation))
        into v_keys, v_contents, v_versions
        from @table@ as t
       where @has_key(t, p_keys)@
         and num_nulls(t.@embedding@) = 1
         and t.xmax = 0
         and not exists (
           select from wikiembed.failures as f
            where f.source = @source@ and f.key = @key_of(t)@ collate "C" and f.state = 'skipped' offset 0);
      if coalesce(cardinality(v_keys), 0) < cardinality(p_keys) then
        select v_keys || array_agg(h.key), v_contents || array_agg(h.content),
               v_versions || array_agg(h.version)
          into v_keys, v_contents, v_versions
          from (
            select @key_of(t)@ as key, @text_of(t)@ as content,
                   hashtextextended(@text_of(t)@ collate "C", v_generation) as version
              from @table@ as t
             where @has_key(t, p_keys)@
               and num_nulls(t.@embedding@) = 1
               and not (@key_of(t)@ collate "C" = any (coalesce(v_keys, '{}')))
               and not exists (
                 select from wikiembed.failures as f
                  where f.source = @source@ and f.key = @key_of(t)@ collate "C" and f.state = 'skipped' offset 0)
             order by @order_by(t)@
               for no key update of t skip locked
          ) as h;
        v_locked := array(
          select @key_of(t)@ from @table@ as t
           where @has_key(t, p_keys)@
             and num_nulls(t.@embedding@) = 1
             and not (@key_of(t)@ collate "C" = any (coalesce(v_keys, '{}')))
             and not exists (
               select from wikiembed.failures as f
                where f.source = @source@ and f.key = @key_of(t)@ collate "C" and f.state = 'skipped' offset 0));
        perform wikiembed_private.requeue(@source@, v_locked, p_attempt);
      end if;
      return query select k, c, v, v_source_version from unnest(v_keys, v_contents, v_versions) as u (k, c, v);
    end;
    $body$
  $template$);
end;
$$;
comment on function wikiembed_private.generate_read(wikiembed.sources) is
  'Generates the function that reads a source''s chunks.';

create or replace function wikiembed.read_chunks(p_source text, p_keys text[], p_attempt integer default 0)
returns table (key text, content text, version bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from wikiembed.sources as s where s.name = p_source) then
    perform wikiembed_private.get_source(p_source);
  end if;
  return query execute
    format('select r.key, r.content, r.version from wikiembed_private.%I($1, $2) as r', 'read_' || p_source)
    using p_keys, p_attempt;
end;
$$;
comment on function wikiembed.read_chunks(text, text[], integer) is
  'The texts of those keys that still lack a vector, with the version to write with; rows that another transaction has locked are skipped and requeued. Raises WE001.';
