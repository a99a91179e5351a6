-- The command line knows the model's dimensions; else those of the wiki's column, which came from the
-- settings of `wikiembed migrate`, are the likely ones.
create function wikiembed_private.advised_vector(p_dimensions integer) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select format('%I.vector(%s)', wikiembed_private.pgvector_schema(), coalesce(
    p_dimensions,
    nullif(current_setting('wikiembed.model_dimensions', true), '')::integer,
    (select nullif(a.atttypmod, -1) from pg_attribute as a
      where a.attrelid = to_regclass('public.wiki_chunks') and a.attname = 'embedding'),
    768));
$$;
comment on function wikiembed_private.advised_vector(integer) is
  'The type that a new vector column is advised to have, with its schema.';
