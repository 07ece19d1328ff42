import { formatScope, type StepUp, stepUpMeta } from '@tetrapod/protocol'
import { ExchangeRefused, InsufficientScope } from './errors.ts'

/** What a tool answers when its caller has to get more scopes first: an error result of MCP. */
// A type, not an interface: the result type of the MCP SDK has an index signature.
export type StepUpResult = {
  isError: true
  content: { type: 'text'; text: string }[]
  _meta: ReturnType<typeof stepUpMeta>
}

/**
 * Turns what ended a tool into the error result by which the gateway has the agent ask the user: of an `ExchangeRefused`
 * `consent_required` and of an `InsufficientScope`. Throws every other error again.
 *
 * It says that the call may be made once more. Do nothing that must not be done twice before the tokens are there.
 */
export function stepUp(error: unknown): StepUpResult {
  const scopes = missingScopes(error)
  if (scopes === undefined) throw error
  return stepUpResult({ scopes })
}

function missingScopes(error: unknown): StepUp['scopes'] | undefined {
  if (error instanceof InsufficientScope) return new Set(error.scopes)
  if (!(error instanceof ExchangeRefused) || error.error !== 'consent_required') return undefined
  return error.scope ? new Set(error.scope.split(' ')) : undefined
}

function stepUpResult(asked: StepUp): StepUpResult {
  const text = `This needs your consent first, to the scope: ${formatScope(asked.scopes)}. Let your agent ask you for it, and call again.`
  return { isError: true, content: [{ type: 'text', text }], _meta: stepUpMeta(asked) }
}
