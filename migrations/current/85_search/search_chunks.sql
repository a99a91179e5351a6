create or replace function wikiembed.search_chunks(p_source text, p_embedding vector, p_limit integer default 5)
returns table (key text, content text, distance double precision)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_source wikiembed.sources;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_source;
  if not found then
    raise exception 'no source is named "%"', p_source
      using errcode = 'WE001', hint = 'List them: select name from wikiembed.sources.';
  end if;
  perform wikiembed_private.require_table(v_source);
  return query execute wikiembed_private.render_template(v_source, $sql$
    select @key_of(t)@, @text_of(t)@, (t.@embedding@ operator(@vector_schema@.<=>) $1@vector_cast@)::double precision
      from @table@ as t
     where t.@embedding@ is not null
     order by t.@embedding@ operator(@vector_schema@.<=>) $1@vector_cast@
     limit $2
  $sql$) using p_embedding, p_limit;
end;
$$;
comment on function wikiembed.search_chunks(text, vector, integer) is
  'The chunks nearest to a vector by cosine distance (0 to 2), nearest first. Raises WE001.';
