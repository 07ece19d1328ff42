export const statements = [
  `create table leases (
    replica text primary key,
    term bigint not null,
    beat bigint not null,
    held bigint not null
  )`,
  // The logs that there are: whoever wrote them shared with nobody, and has ended.
  'insert into leases select replica, 0, 0, 0 from bundles where sequence = 1',
]
