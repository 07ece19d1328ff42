import type { Draft } from './draft.ts'
import { keyProblem, type Problem, valueProblem } from './problem.ts'

/** A hand-over has two ends, both of which may exchange; and an agent is reached by users or by other agents. */
export function* checkAgents({ agents }: Draft): Generator<Problem> {
  for (const [key, agent] of Object.entries(agents)) {
    if (agent === undefined) continue
    const { redirect_uris, exchange, delegates } = agent
    if (redirect_uris === undefined && exchange !== true)
      yield valueProblem(['agents', key, 'redirect_uris'], NOBODY_COMES)
    if (delegates.length > 0 && exchange !== true)
      yield keyProblem(
        ['agents', key, 'delegates'],
        'An agent that hands over exchanges: give it `exchange: true`.',
      )
    for (const [index, name] of delegates.entries()) {
      const sentence = name === undefined ? undefined : delegateProblem(key, name, agents)
      if (sentence !== undefined) yield valueProblem(['agents', key, 'delegates', index], sentence)
    }
  }
}

const NOBODY_COMES =
  'It is required: add it. Only an agent with `exchange: true` can do without, where other agents hand to it.'

function delegateProblem(from: string, to: string, agents: Draft['agents']): string | undefined {
  if (to === from) return 'An agent does not hand to itself: remove it here.'
  if (!Object.hasOwn(agents, to))
    return 'No agent of the catalogue has this name: correct it, or add it under `agents`.'
  // What has no shape at all is a problem of its own.
  const delegate = agents[to]
  if (delegate === undefined || delegate.exchange === true) return undefined
  return `A sub-agent exchanges what it is handed: give ${to} \`exchange: true\`.`
}
