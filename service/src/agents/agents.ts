import type { Agent } from './agent.ts'

/** The agents that take part. */
export interface Agents {
  find(key: string): Agent | undefined
}

export function createAgents(agents: readonly Agent[]): Agents {
  const byKey = new Map(agents.map((agent) => [agent.key, agent]))
  return { find: (key) => byKey.get(key) }
}
