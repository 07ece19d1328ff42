import type { Agents } from '#agents'
import { type DelegateEdges, delegatesOnwards } from '#grants'

/** A sub-agent that an agent may hand to, as consent shows it, with whom it may hand on to itself. */
export interface ShownHandover {
  readonly agent: string
  readonly name: string
  readonly onwards: readonly { readonly from: string; readonly to: string }[]
}

/** Who may hand to whom, once `agent` hands to `first` of its sub-agents. */
export function delegatesFrom(
  agent: string,
  first: Iterable<string>,
  { delegatesOf }: Pick<Agents, 'delegatesOf'>,
): DelegateEdges {
  return delegatesOnwards(agent, (from) => (from === agent ? first : delegatesOf(from)))
}

/** All that the catalogue lets an agent hand on, by itself and through its sub-agents: what consent shows. */
export function allDelegates(agent: string, agents: Pick<Agents, 'delegatesOf'>): DelegateEdges {
  return delegatesFrom(agent, agents.delegatesOf(agent), agents)
}

/** The sub-agents of an agent by their names, each with what hangs on it. */
export async function shownHandovers(
  agent: string,
  agents: Pick<Agents, 'delegatesOf' | 'introduce'>,
): Promise<readonly ShownHandover[]> {
  const nameOf = async (id: string) => (await agents.introduce(id)).name
  const shown = agents.delegatesOf(agent).map(async (first): Promise<ShownHandover> => {
    const { [agent]: _, ...others } = delegatesFrom(agent, [first], agents)
    const onwards = Object.entries(others).flatMap(([from, to]) => to.map((it) => [from, it] as const))
    return {
      agent: first,
      name: await nameOf(first),
      onwards: await Promise.all(
        onwards.map(async ([from, to]) => ({ from: await nameOf(from), to: await nameOf(to) })),
      ),
    }
  })
  return Promise.all(shown)
}
