export type { Server } from './server.ts'
