import { isObject, type Scopes, stepUpOf as askedFor } from '@tetrapod/protocol'

/** With the first login that makes three: MCP asks for "no more than a few". */
const STEP_UPS_MAX = 2
const OPERATIONS_MAX = 1000

/**
 * The scopes that a tool asks for in its error result, for the application to begin a login with; undefined for every
 * other result. Nothing that ran is run again: whether to call once more is the application's decision.
 */
export function stepUpOf(result: unknown): Scopes | undefined {
  return askedFor(result)?.scopes
}

/** How often each operation of a resource has been stepped up without success. */
export interface StepUps {
  /** True if one more is allowed; it is counted. */
  allow(operation: string): boolean
  succeeded(operation: string): void
}

export function createStepUps(): StepUps {
  const tried = new Map<string, number>()
  return {
    allow(operation) {
      const times = tried.get(operation) ?? 0
      if (times >= STEP_UPS_MAX) return false
      const [oldest] = tried.keys()
      if (tried.size >= OPERATIONS_MAX && oldest !== undefined) tried.delete(oldest)
      tried.set(operation, times + 1)
      return true
    },
    succeeded: (operation) => void tried.delete(operation),
  }
}

/** What a request does at an MCP server: its method, and the tool, prompt or resource it names. */
export function operationOf(method: string, body: string | undefined): string {
  try {
    const message: unknown = JSON.parse(body ?? '')
    if (!isObject(message)) return method
    const params = isObject(message['params']) ? message['params'] : {}
    return JSON.stringify([message['method'], params['name'] ?? params['uri']])
  } catch {
    return method
  }
}
