-- A job deferred by hand may have any arguments: what is no array holds no key.
create function wikiembed_private.keys_of(p_args jsonb) returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select array(
    select k.key
      from jsonb_array_elements_text(
             case jsonb_typeof(p_args -> 'keys') when 'array' then p_args -> 'keys' else '[]' end) as k (key)
     where k.key is not null);
$$;
comment on function wikiembed_private.keys_of(jsonb) is
  'The keys in a job''s arguments; none where they are malformed.';
