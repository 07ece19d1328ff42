export const statements = [
  // Whoever appends, in whatever version: those who listen (`wake-up.ts`) are told with the commit.
  `create function announce_revocation() returns trigger language plpgsql as
   $$ begin perform pg_catalog.pg_notify('tetrapod_feed', ''); return null; end $$`,
  `create trigger revocations_announced after insert on revocations
   for each statement execute function announce_revocation()`,
]
