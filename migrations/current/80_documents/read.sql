create or replace function wikiembed_private.generate_read_document(p_name text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.render_template(wikiembed_private.document_row(p_name), $template$
    create or replace function wikiembed_private.@read_document@(p_keys text[], p_most_bytes bigint)
    returns table (key text, title text, content text, version bigint, chunks jsonb)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_keys text[] := p_keys;
    begin
      lock table only @table@ in row share mode;
      select g.generation into v_generation from wikiembed.document_sources as g where g.source = @source@;
      if p_most_bytes is not null and cardinality(p_keys) > 1 then
        v_keys := array(
          select b.key
            from (
              select l.key, sum(l.bytes) over (order by l.key collate "C" rows between unbounded preceding and 1 preceding) as before
                from (
                  select @key_of(d)@ as key, octet_length(@text_of(d)@) as bytes
                    from @table@ as d
                   where @has_key(d, p_keys)@
                     and exists (select from @state@ as s where s.key = @key_of(d)@ collate "C" and s.version is null)
                     for key share of d skip locked
                ) as l
            ) as b
           where coalesce(b.before, 0) < p_most_bytes);
      end if;
      return query
        select @key_of(d)@, @title_d@, @text_of(d)@, @hash_d@,
               coalesce((
                 select jsonb_agg(jsonb_build_object('id', c.id, 'context', c.context, 'content', c.content, 'position', c.position)
                                  order by c.position)
                   from @chunks@ as c where @fk_equals@), '[]')
          from @table@ as d
         where @has_key(d, v_keys)@
           and exists (select from @state@ as s where s.key = @key_of(d)@ collate "C" and s.version is null)
           for key share of d skip locked;
    end;
    $body$
  $template$, wikiembed_private.document_names(p_name));
end;
$$;
comment on function wikiembed_private.generate_read_document(text) is
  'Generates the function that reads a source''s documents.';
