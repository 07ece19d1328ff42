// Not unlogged: a server that crashed would forget all of it, and let what was used be used again.
export const statements = [
  `create table replays (
    key_hash text primary key,
    expires_at bigint not null
  )`,
  'create index replays_by_expiry on replays (expires_at)',
]
