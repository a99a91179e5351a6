-- The one place where a source's names enter SQL text. Positions:
--   1 name, 2 relation, 3 key column, 4 text column, 5 vector column, 6 key type for arrays,
--   7 queue, 8 cast that makes keys comparable byte by byte, 9 cast to the vector column's type,
--   10 equality of two vectors, 11 pgvector's schema,
--   12 and 14 names made of a word and the source's name, 13 the source's outcomes function.
-- In a template %1$I is an identifier, %1$L a literal, %6$s text that is SQL already.
create function wikiembed_private.fill(
  p_source wikiembed.sources, p_template text, p_function text default null, p_second text default null
) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select format(
    p_template,
    p_source.name,
    wikiembed_private.qualified(p_source.relation),
    p_source.key_column,
    p_source.text_column,
    p_source.embedding_column,
    case p_source.key_type when 'character varying' then 'text' else p_source.key_type end,
    p_source.queue_name,
    case when p_source.key_type in ('text', 'character varying') then '::text collate "C"' else '' end,
    case p_source.embedding_type
      when 'halfvec' then format('::%I.halfvec', wikiembed_private.pgvector_schema())
      else ''
    end,
    format('operator(%I.=)', wikiembed_private.pgvector_schema()),
    wikiembed_private.pgvector_schema(),
    p_function || '_' || p_source.name,
    'outcomes_' || p_source.name,
    p_second || '_' || p_source.name
  );
$$;
comment on function wikiembed_private.fill(wikiembed.sources, text, text, text) is
  'Fills a template with the names of a source through format().';
