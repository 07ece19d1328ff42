import type { DelegateEdges } from './grant-store.ts'

/**
 * Who may hand to whom, from one agent onwards: to its sub-agents, to theirs, and so on, each asked once. What leads back to
 * the agent itself is left out: nobody acts twice in one chain (DESIGN §1).
 */
export function delegatesOnwards(
  agent: string,
  delegatesOf: (agent: string) => Iterable<string>,
): DelegateEdges {
  const edges = new Map<string, readonly string[]>()
  const waiting = [agent]
  for (let from = waiting.shift(); from !== undefined; from = waiting.shift()) {
    const to = [...delegatesOf(from)].filter((it) => it !== agent)
    if (edges.has(from) || to.length === 0) continue
    edges.set(from, to)
    waiting.push(...to)
  }
  return Object.fromEntries(edges)
}
