export const statements = [
  `create table secrets (
    name text primary key,
    sealed blob not null
  ) strict`,

  // The empty string stands for no user.
  `create table partition_keys (
    purpose text not null,
    "user" text not null,
    partition text not null,
    sealed blob not null,
    primary key (purpose, "user", partition)
  ) strict`,

  `create table signing_keys (
    kid text primary key,
    created_at integer not null,
    sealed blob not null
  ) strict`,

  `create table accounts (
    id text primary key,
    issuer text not null,
    subject text not null,
    created_at integer not null,
    unique (issuer, subject)
  ) strict`,

  `create table sessions (
    cookie_hash text primary key,
    id text not null unique,
    account text not null,
    auth_time integer not null,
    acr text not null,
    expires_at integer not null
  ) strict`,

  `create table grants (
    id text primary key,
    version integer not null,
    "user" text not null,
    agent text not null,
    redirect_uris text not null,
    mounts text not null,
    created_at integer not null,
    expires_at integer not null,
    revoked_at integer
  ) strict`,
  'create unique index grants_current on grants ("user", agent) where revoked_at is null',

  // autoincrement: a place in the feed is never given twice, whatever is deleted.
  `create table revocations (
    sequence integer primary key autoincrement,
    kind text not null,
    id_hash text not null,
    at integer not null,
    expires_at integer not null
  ) strict`,

  `create table states (
    model text not null,
    id_hash text not null,
    version integer not null,
    sealed blob not null,
    grant_id text,
    uid_hash text,
    consumed_at integer,
    expires_at integer,
    primary key (model, id_hash)
  ) strict`,
  'create index states_by_grant on states (model, grant_id) where grant_id is not null',
  'create index states_by_uid on states (model, uid_hash) where uid_hash is not null',
  'create index states_by_expiry on states (expires_at) where expires_at is not null',

  `create table bundles (
    replica text not null,
    sequence integer not null,
    at integer not null,
    records integer not null,
    body blob not null,
    primary key (replica, sequence)
  ) strict`,

  `create table settlements (
    replica text primary key,
    sequence integer not null
  ) strict`,
]
