-- squawk-ignore-file ban-drop-function
alter table wikiembed.document_sources
  add column if not exists max_tokens integer
    constraint max_tokens_is_sane check (max_tokens between 8 and 1000000);
-- Its result gets a column: current/ creates it again.
drop function if exists wikiembed.document_options(text);
