-- Only a superuser may create one; without it reconcile and doctor find the same things later.
do $$
begin
  create event trigger wikiembed_on_ddl on ddl_command_end
    when tag in ('ALTER TABLE', 'CREATE TABLE', 'ALTER SCHEMA', 'ALTER EXTENSION')
    execute function wikiembed_private.on_ddl();
  comment on event trigger wikiembed_on_ddl is 'Follows renames and new partitions of attached tables.';
exception when insufficient_privilege then
  raise notice 'no event trigger: role % is no superuser; reconcile follows renames instead', current_user;
end;
$$;
