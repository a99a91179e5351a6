-- before update, each row whose text changed: the vector of the former text is set to null, unless
-- the statement sets a new one.
create or replace function wikiembed_private.generate_null_stale(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@null_stale@() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
    as $body$
    begin
      if old.@embedding@ is not null and new.@embedding@ is not null and new.@embedding@ @vector_equals@ old.@embedding@ then
        new.@embedding@ := null;
      end if;
      return new;
    end;
    $body$
  $template$);
end;
$$;
comment on function wikiembed_private.generate_null_stale(wikiembed.sources) is
  'Generates the function of a source''s row trigger.';
