export type { Agent } from './agent.ts'
export { type Agents, createAgents } from './agents.ts'
export { introduce, type Introduction } from './introduction.ts'
