-- A model set to null is to be pinned again; the provider and prefix pinned with it are cleared too,
-- else the next worker would resolve the new model with the old ones. A prefix that the source
-- itself set stays; one that is set by hand is the source's own from then on.
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
  if old.query_prefix_pinned and new.query_prefix is distinct from old.query_prefix then
    new.query_prefix_pinned := false;
  end if;
  if new.model is null then
    if old.pinned_at is not null and new.provider is not distinct from old.provider then
      new.provider := null;
    end if;
    if new.prefix_pinned then
      new.document_prefix := null;
      new.prefix_pinned := false;
    end if;
    if new.query_prefix_pinned then
      new.query_prefix := null;
      new.query_prefix_pinned := false;
    end if;
    new.pinned_at := null;
  end if;
  return new;
end;
$$;
comment on function wikiembed_private.raise_generation() is
  'Adds one to the generation when model, document prefix or dimensions change; unpins a source whose model is set to null.';

create or replace trigger raise_generation
  before update on wikiembed.sources
  for each row execute function wikiembed_private.raise_generation();
comment on trigger raise_generation on wikiembed.sources is
  'Raises the generation when model, prefix or dimensions change.';

-- A source that was attached with a model of its own keeps it; else the first worker's settings
-- are pinned here, and a worker with other ones is refused. A prefix that is pinned is
-- distinguished from one that the source itself set, which no worker's setting overrides.
create or replace function wikiembed.pin_model(
  p_source text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text default '',
  p_query_prefix text default null
) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources := wikiembed_private.get_source(p_source);
begin
  if v_source.model is null then
    select s.* into v_source from wikiembed.sources as s where s.name = p_source for no key update;
  end if;
  if v_source.dimensions <> p_dimensions then
    raise exception 'source "%" holds % dimensions, model "%" gives %', p_source, v_source.dimensions, p_model, p_dimensions
      using errcode = 'WE011', hint = 'Choose a model with the column''s dimensions, or attach a column with the model''s.';
  end if;
  if v_source.model is null then
    update wikiembed.sources as s
       set provider = coalesce(s.provider, p_provider), model = p_model, dimensions = p_dimensions,
           document_prefix = coalesce(s.document_prefix, p_document_prefix),
           prefix_pinned = s.document_prefix is null,
           query_prefix = coalesce(s.query_prefix, p_query_prefix),
           query_prefix_pinned = s.query_prefix is null and p_query_prefix is not null,
           pinned_at = case when s.provider is null then clock_timestamp() end
     where s.name = p_source;
    perform wikiembed_private.log_action('pin', p_source, null,
      jsonb_build_object('provider', p_provider, 'model', p_model, 'dimensions', p_dimensions));
    return v_source.generation;
  end if;
  if coalesce(v_source.provider, p_provider) is distinct from p_provider
    or v_source.model is distinct from p_model
    or coalesce(v_source.document_prefix, p_document_prefix) is distinct from p_document_prefix
  then
    raise exception 'source "%" is pinned to % model "%" with document prefix "%", this worker has % "%" with "%"',
      p_source, coalesce(v_source.provider, p_provider), v_source.model,
      coalesce(v_source.document_prefix, ''), p_provider, p_model, p_document_prefix
      using errcode = 'WE011',
            hint = format('Set the worker to the same, or change the model: update wikiembed.sources set model = null where name = %L, and its vectors to null.', p_source);
  end if;
  if v_source.dimensions is null then
    update wikiembed.sources as s set dimensions = p_dimensions where s.name = p_source;
  end if;
  return v_source.generation;
end;
$$;
comment on function wikiembed.pin_model(text, text, text, integer, text, text) is
  'Pins the model that the first worker resolved, with its prefix for questions if it has one, or compares: raises WE011 for another provider, model, document prefix or dimension; returns the generation. Raises WE001.';
