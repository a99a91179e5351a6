-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid
alter table wikiembed.action_log
  drop constraint action_is_known,
  add constraint action_is_known
    check (action in ('attach', 'detach', 'pause', 'resume', 'retry', 'skip', 'reconcile', 'pin', 'resplit', 'switch',
                      'price', 'budget', 'schedule', 'limit'));
