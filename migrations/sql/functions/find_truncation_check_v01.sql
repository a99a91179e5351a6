-- Called once per process and source. What is known of the server and the model holds for every source.
create function wikiembed.find_truncation_check(p_source text, p_server text, p_model text)
returns table (outcome text, from_chars integer, checked_chars integer, age_s double precision)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into wikiembed.truncation_checks as c
    (source, server, model, outcome, from_chars, checked_chars, checked_at)
  select s.name, k.server, k.model, k.outcome, k.from_chars, k.checked_chars, k.checked_at
    from wikiembed.sources as s, wikiembed.truncation_checks as k
   where s.name = p_source and k.server = p_server and k.model = p_model
   order by k.checked_at desc
   limit 1
      on conflict on constraint truncation_checks_pkey do update
         set outcome = excluded.outcome, from_chars = excluded.from_chars,
             checked_chars = excluded.checked_chars, checked_at = excluded.checked_at,
             used_at = excluded.used_at;
  return query
    select c.outcome, c.from_chars, c.checked_chars,
           extract(epoch from clock_timestamp() - c.checked_at)::double precision
      from wikiembed.truncation_checks as c
     where c.source = p_source and c.server = p_server and c.model = p_model;
end;
$$;
comment on function wikiembed.find_truncation_check(text, text, text) is
  'What is known of silent truncation by this server and model, and how many seconds old it is; notes that the source is embedded there now. No row: nothing is known.';
