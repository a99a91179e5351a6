-- A table that is only renamed is still the one: the name has to be another table's.
create view wikiembed.replaced_tables as
select s.name as source,
       s.attached_as as name,
       case when c.oid is not null then format('%I.%I', n.nspname, c.relname) end as attached_to
  from wikiembed.sources as s
  left join pg_catalog.pg_class as c on c.oid = s.relation
  left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where exists (
   select from pg_catalog.pg_class as other
     join pg_catalog.pg_namespace as m on m.oid = other.relnamespace
    where m.nspname = (parse_ident(s.attached_as))[1]::name and other.relname = (parse_ident(s.attached_as))[2]::name
      and other.oid <> s.relation and other.relkind in ('r', 'p', 'v', 'm', 'f'));

comment on view wikiembed.replaced_tables is
  'Sources whose table''s name at attach is another table''s now, after a swap by rename or a table made anew.';
comment on column wikiembed.replaced_tables.source is 'The source.';
comment on column wikiembed.replaced_tables.name is 'The name that the table had at attach, and another one has now.';
comment on column wikiembed.replaced_tables.attached_to is
  'How the table is called that the source is still attached to; null when it was dropped.';
