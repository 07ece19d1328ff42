import type { Agent } from './agent.ts'
import { introduce, type Introduction } from './introduction.ts'

/** The agents that take part. */
export interface Agents {
  find(key: string): Agent | undefined
  /** An agent as a person gets to see it; `claimed` is what it calls itself. */
  introduce(id: string, claimed?: string): Promise<Introduction>
}

export function createAgents(agents: readonly Agent[]): Agents {
  const byKey = new Map(agents.map((agent) => [agent.key, agent]))
  return {
    find: (key) => byKey.get(key),
    async introduce(id, claimed) {
      const named = byKey.get(id)
      return named === undefined
        ? introduce(id, claimed, { kind: 'registered' })
        : introduce(id, named.name, { kind: 'catalogue' })
    },
  }
}
