import { z } from 'zod'
import { isObject } from './is-object.ts'
import { META_STEP_UP } from './names.ts'
import { formatScope, isScopeToken, type Scopes } from './scopes.ts'

/** What a tool still needs of its caller before it can do what it was asked to. */
export interface StepUp {
  /** In the vocabulary of the mount that was called; never none. */
  readonly scopes: Scopes
}

const SCOPE_LENGTH_MAX = 4096
const member = z.strictObject({ scope: z.string().min(1).max(SCOPE_LENGTH_MAX) })

/**
 * Reads what the error result of a tool asks for: its member `_meta["tetrapod/step-up"]`. Undefined for every other result,
 * and for a member of any other shape: what asks for more than is understood here is not half answered.
 */
export function stepUpOf(result: unknown): StepUp | undefined {
  if (!isObject(result) || result['isError'] !== true || !isObject(result['_meta'])) return undefined
  const asked = member.safeParse(result['_meta'][META_STEP_UP])
  const tokens = asked.data?.scope.split(' ') ?? []
  return tokens.length > 0 && tokens.every(isScopeToken) ? { scopes: new Set(tokens) } : undefined
}

/** The `_meta` of an error result by which a tool asks for a step-up. {@link stepUpOf} reads it. */
export function stepUpMeta({ scopes }: StepUp): { [META_STEP_UP]: { scope: string } } {
  return { [META_STEP_UP]: { scope: formatScope(scopes) } }
}
