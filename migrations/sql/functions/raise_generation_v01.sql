-- A model set to null is to be pinned anew; with it goes what was pinned beside it, else the next
-- worker would resolve the new model with the old one's provider and prefix.
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
    if old.pinned_at is not null then
      new.provider := case when new.provider is distinct from old.provider then new.provider end;
      new.document_prefix := case when new.document_prefix is distinct from old.document_prefix then new.document_prefix end;
    end if;
    new.pinned_at := null;
  end if;
  return new;
end;
$$;
comment on function wikiembed_private.raise_generation() is
  'Adds one to the generation when model, document prefix or dimensions change; unpins a source whose model is set to null.';
