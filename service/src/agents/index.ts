export type { Agent } from './agent.ts'
export { type Agents, createAgents } from './agents.ts'
export { introduce, type Introduction, type NamedBy } from './introduction.ts'
