select wikiembed_private.attach_wiki(coalesce(pg_catalog.current_setting('wikiembed.wiki_is_split', true), '') = 'on');
do $$
declare
  v_loaders text := pg_catalog.current_setting('wikiembed.loaders');
begin
  if v_loaders <> '' then
    execute pg_catalog.format('grant execute on function wikiembed.load_pages(jsonb) to %s', v_loaders);
    execute pg_catalog.format('grant select on wikiembed.documents to %s', v_loaders);
    execute pg_catalog.format(
      'grant execute on function wikiembed_private.count_documents(text), wikiembed_private.qualified(regclass) to %s', v_loaders);
  end if;
end;
$$;
