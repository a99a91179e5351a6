-- For checks of vectors: the text of a chunk as a worker embeds it, without the prefix, beside what is stored.
create or replace function wikiembed.embedded_chunks(p_source text, p_keys text[]) returns table (key text, content text, embedding vector)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_source wikiembed.sources := wikiembed_private.get_source(p_source);
begin
  perform wikiembed_private.require_table(v_source);
  return query execute wikiembed_private.render_template(v_source, $sql$
    select @key_of(t)@, @text_of(t)@, t.@embedding@::@vector_schema@.vector
      from @table@ as t
     where t.@embedding@ is not null and @has_key(t, $1)@
  $sql$) using p_keys;
end;
$$;
comment on function wikiembed.embedded_chunks(text, text[]) is
  'The texts and vectors of the chunks with these keys that have a vector. Raises WE001.';
