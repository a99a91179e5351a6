create trigger raise_generation
  before update on wikiembed.sources
  for each row execute function wikiembed_private.raise_generation();
comment on trigger raise_generation on wikiembed.sources is
  'Keeps the generation in step with model, prefix and dimensions.';
