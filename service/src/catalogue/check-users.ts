import type { Draft } from './draft.ts'
import { keyProblem, type Problem } from './problem.ts'

/** Built-in users at an address that others reach: legal, and most likely what was left from a first look. */
export function* exposedUsers({ publicUrl, users }: Draft): Generator<Problem> {
  if (publicUrl?.startsWith('https:') && Object.keys(users).length > 0)
    yield keyProblem(
      ['users'],
      'Built-in users are for a first look: their passwords have no second factor and no reset, and nothing but a growing delay per name slows down who tries them.',
    )
}
