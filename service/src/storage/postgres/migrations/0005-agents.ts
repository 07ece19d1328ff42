export const statements = [
  `create table agents (
    id text primary key,
    kind text not null,
    name text not null,
    metadata text,
    management_hash text unique,
    created_at bigint not null,
    used_at bigint,
    disabled_at bigint
  )`,
]
