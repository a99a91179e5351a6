alter table wikiembed.sources add column attached_as text;
comment on column wikiembed.sources.attached_as is
  'The table''s qualified name at attach: another table that has it now has taken its place.';
update wikiembed.sources as s set attached_as = wikiembed_private.qualified(s.relation);
