export type { Server } from './server.ts'
export { createServers, type Servers } from './servers.ts'
export type { NamedScope, StepUpStore } from './step-up-store.ts'
export { createStepUps, type StepUps } from './step-ups.ts'
