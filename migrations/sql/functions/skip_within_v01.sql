-- All or nothing, since the operator named the chunks. It never waits for a row while it holds
-- another one, which could end a user's transaction in a deadlock: one try is one subtransaction,
-- whose end lets go of every lock of it, the source's too; it sleeps with none in hand.
create function wikiembed_private.skip_within(
  p_source text, p_keys text[], p_why text, p_limit interval
) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_until timestamptz := clock_timestamp() + p_limit;
  v_skipped bigint;
begin
  perform wikiembed_private.require_read_committed();
  loop
    begin
      v_skipped := wikiembed_private.skip_at_once(p_source, p_keys, coalesce(p_why, ''));
      exit;
    exception when lock_not_available then
      if clock_timestamp() > v_until then
        raise exception 'somebody''s transaction holds chunks of source "%" that are to be skipped', p_source
          using errcode = 'lock_not_available',
                hint = 'None was skipped: run it again when that transaction has ended.';
      end if;
    end;
    perform pg_sleep(0.05);
  end loop;
  perform wikiembed_private.log_action('skip', p_source, p_why, jsonb_build_object('chunks', v_skipped));
  return v_skipped;
end;
$$;
comment on function wikiembed_private.skip_within(text, text[], text, interval) is
  'Skips these missing chunks, or none when somebody holds one for longer than the limit; answers how many. Raises 55P03, WE001, WE008, WE010.';
