alter table wikiembed.sources
  add column if not exists text_config text;
comment on column wikiembed.sources.text_config is
  'Text search configuration of the index that search by text uses, or trigram; null: no such index. Written by set_text_search.';
