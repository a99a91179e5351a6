-- before update, each row whose text changed: the vector of another text goes, unless the
-- statement brings a new one.
create function wikiembed_private.write_null_stale(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.fill(p_source, $template$
    create or replace function wikiembed_private.%12$I() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
    as $body$
    begin
      if old.%5$I is not null and new.%5$I is not null and new.%5$I %10$s old.%5$I then
        new.%5$I := null;
      end if;
      return new;
    end;
    $body$
  $template$, 'null_stale');
end;
$$;
comment on function wikiembed_private.write_null_stale(wikiembed.sources) is
  'Writes the function of a source''s row trigger.';
