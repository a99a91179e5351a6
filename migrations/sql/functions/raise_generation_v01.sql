create function wikiembed_private.raise_generation() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if (old.model is not null and new.model is distinct from old.model)
    or (old.model is not null and new.document_prefix is distinct from old.document_prefix)
    or (old.dimensions is not null and new.dimensions is distinct from old.dimensions)
  then
    new.generation := old.generation + 1;
  end if;
  if new.model is null then
    new.pinned_at := null;
  end if;
  return new;
end;
$$;
comment on function wikiembed_private.raise_generation() is
  'Adds one to the generation when model, document prefix or dimensions change.';
