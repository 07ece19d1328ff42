export type { Agent } from './agent.ts'
