export { createEgress, type Egress, type Incoming, type Outgoing, readAll } from './egress.ts'
export { configuredFetch, keySet } from './key-set.ts'
