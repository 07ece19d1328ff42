export const statements = [
  `create table leases (
    replica text primary key,
    term integer not null,
    beat integer not null,
    held integer not null
  ) strict`,
  // The logs that there are: whoever wrote them has ended.
  'insert into leases select replica, 0, 0, 0 from bundles where sequence = 1',
]
