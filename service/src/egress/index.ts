export { createDiscovered, type Discovered, type DiscoveredAnswer, type Wanted } from './discovered.ts'
export { createEgress, type Egress, type Incoming, type Outgoing, readAll } from './egress.ts'
export { configuredFetch, keySet } from './key-set.ts'
export type { Network } from './network.ts'
