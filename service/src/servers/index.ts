export type { Server } from './server.ts'
export { createServers, type Servers } from './servers.ts'
