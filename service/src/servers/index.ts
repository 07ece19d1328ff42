export type { Server } from './server.ts'
export { createServers, type Servers } from './servers.ts'
export type { UpstreamPattern } from './upstream-pattern.ts'
