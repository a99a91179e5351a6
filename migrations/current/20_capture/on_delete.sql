-- One expression checks whether there is anything to forget, since each costs a query's start.
-- The plans are kept for the session: one made when there were no failures must suit many. A statement
-- of many rows finds those that failed or were truncated by one hash join; of few, by looking up each key.
create or replace function wikiembed_private.generate_on_delete(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@on_delete@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
    set enable_nestloop = off
    set jit = off
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
      v_keys text[];
    begin
      select count(*), count(o.@embedding@) into v_total, v_embedded from old_rows as o;
      if v_total = 0 then
        return null;
      end if;
      insert into wikiembed_private.@deltas@ (total, embedded) values (-v_total, -v_embedded);
      if exists (select from wikiembed.failures as f where f.source = @source@)
         or exists (select from wikiembed.truncated_chunks as c where c.source = @source@)
      then
        if exists (select from wikiembed.failures as f where f.source = @source@) then
          if v_total <= 500 then
            v_keys := array(select @key_of(o)@ from old_rows as o);
          else
            v_keys := array(
              select f.key from old_rows as o
                join wikiembed.failures as f on f.source = @source@ and f.key = @key_of(o)@ collate "C");
          end if;
          perform wikiembed_private.forget_failures(@source@, v_keys, 'deleted');
        end if;
        if exists (select from wikiembed.truncated_chunks as c where c.source = @source@) then
          if v_total <= 500 then
            v_keys := array(select @key_of(o)@ from old_rows as o where o.@embedding@ is not null);
          else
            v_keys := array(
              select c.key from old_rows as o
                join wikiembed.truncated_chunks as c on c.source = @source@ and c.key = @key_of(o)@ collate "C");
          end if;
          perform wikiembed_private.forget_truncated(@source@, v_keys);
        end if;
      end if;
      return null;
    end;
    $body$
  $template$);
end;
$$;
comment on function wikiembed_private.generate_on_delete(wikiembed.sources) is
  'Generates the function of a source''s delete trigger.';
