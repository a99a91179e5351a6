-- Of sources that were pinned before, nobody knows where the prefix is from: it goes on to be
-- compared with a worker's setting, as it was.
alter table wikiembed.sources add column prefix_pinned boolean not null default false;
comment on column wikiembed.sources.prefix_pinned is
  'Whether the first write took the document prefix from a worker''s settings; a prefix fixed at attach, or set by hand, goes before theirs.';
update wikiembed.sources set prefix_pinned = true where pinned_at is not null and document_prefix is not null;
