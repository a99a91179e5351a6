create function wikiembed.record_truncation_check(
  p_source text, p_server text, p_model text, p_outcome text,
  p_from_chars integer, p_checked_chars integer
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.get_source(p_source);
  insert into wikiembed.truncation_checks as c
    (source, server, model, outcome, from_chars, checked_chars)
  values (p_source, p_server, p_model, p_outcome, p_from_chars, p_checked_chars)
      on conflict on constraint truncation_checks_pkey do update
         set outcome = excluded.outcome, from_chars = excluded.from_chars,
             checked_chars = excluded.checked_chars, checked_at = excluded.checked_at;
  update wikiembed.truncation_checks as c
     set outcome = p_outcome, from_chars = p_from_chars, checked_chars = p_checked_chars,
         checked_at = clock_timestamp()
   where c.server = p_server and c.model = p_model and c.source <> p_source;
end;
$$;
comment on function wikiembed.record_truncation_check(text, text, text, text, integer, integer) is
  'Records what a check for silent truncation found: outcome silent (from so many characters on), refused, whole or unanswered, and how many characters were tried; for every source of that server and model. Raises WE001.';
