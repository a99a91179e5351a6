-- A model set to null is to be pinned anew; with it goes what was pinned beside it, else the next
-- worker would resolve the new model with the old one's provider and prefix. A prefix that the
-- source fixed itself stays; one that is set by hand is fixed from then on.
create or replace function wikiembed_private.raise_generation() returns trigger
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
  if old.prefix_pinned and new.document_prefix is distinct from old.document_prefix then
    new.prefix_pinned := false;
  end if;
  if new.model is null then
    if old.pinned_at is not null and new.provider is not distinct from old.provider then
      new.provider := null;
    end if;
    if new.prefix_pinned then
      new.document_prefix := null;
      new.prefix_pinned := false;
    end if;
    new.pinned_at := null;
  end if;
  return new;
end;
$$;
comment on function wikiembed_private.raise_generation() is
  'Adds one to the generation when model, document prefix or dimensions change; unpins a source whose model is set to null.';
