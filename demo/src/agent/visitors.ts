import type { Login } from '@tetrapod/agent-sdk'
import type { Answer } from './answer.ts'
import type { Research } from './research.ts'

/** One user's part of a browser session: their login, and what the last calls brought. */
export interface Desk {
  readonly login: Login
  readonly answer?: Answer
  readonly refusal?: { readonly tool: string; readonly sentence: string }
  /** What the planner had its sub-agent look up. */
  readonly research?: Research
  /** The login is over, and the user signs in again: its token has expired, or is not taken although it has not. */
  readonly ended?: 'expired' | 'not_taken'
}

/** One browser: for whom it began a sign-in, at the assistant or at the planner, by its state, and the users who signed in, by user name. */
export interface Visitor {
  readonly begun: Map<string, string>
  readonly begunResearch: Map<string, string>
  readonly desks: Map<string, Desk>
}

export interface Visitors {
  find(id: string | undefined): Visitor | undefined
  /** A new visitor under an id that nobody can guess. The oldest of many is forgotten. */
  create(): { readonly id: string; readonly visitor: Visitor }
}

const VISITORS_MAX = 200

export function createVisitors(newId: () => string): Visitors {
  const visitors = new Map<string, Visitor>()
  return {
    find: (id) => (id === undefined ? undefined : visitors.get(id)),
    create() {
      const [oldest] = visitors.keys()
      if (visitors.size >= VISITORS_MAX && oldest !== undefined) visitors.delete(oldest)
      const id = newId()
      const visitor: Visitor = { begun: new Map(), begunResearch: new Map(), desks: new Map() }
      visitors.set(id, visitor)
      return { id, visitor }
    },
  }
}
