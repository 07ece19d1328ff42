import {
  formatScope,
  isObject,
  META_STEP_UP,
  type Scopes,
  type StepUp,
  stepUpMeta,
  stepUpOf,
} from '@tetrapod/protocol'
import type { Fault } from '#kernel'
import type { Server, StepUps } from '#servers'
import { fault } from './faults.ts'
import type { UpstreamAnswer } from './upstream.ts'

type Result = Readonly<Record<string, unknown>>

/** What a server answered, and what its tool lacks, if that is for the caller to get. */
export interface Understood {
  readonly answer: Exclude<UpstreamAnswer, { readonly insufficient: Scopes }>
  readonly missing?: Fault
}

/**
 * Reads a step-up out of what a server answered to the call of a tool: `gateway.scope_missing` with every scope of the
 * operation at once, remembered for the next call. A step-up that names anything but scopes of this very mount is none, and
 * what a server says about scopes never passes as it is. Throws `gateway.upstream_refused` for a refusal that is no step-up.
 */
export async function understand(
  answered: UpstreamAnswer,
  call: { readonly server: Server; readonly tool: string | undefined; readonly needed: Scopes },
  stepUps: StepUps,
): Promise<Understood> {
  if ('error' in answered) return { answer: answered }
  const { server, tool, needed } = call
  const asked = 'insufficient' in answered ? { scopes: answered.insufficient } : stepUpOf(answered.result)
  const accepted =
    tool !== undefined && asked !== undefined && (await stepUps.accept(server, tool, asked.scopes))
  if ('insufficient' in answered && !accepted) throw fault.upstream_refused({ detail: '403' })
  const result = 'result' in answered ? withoutStepUp(answered.result) : REFUSED
  if (!accepted) return { answer: { result } }
  const scopes = needed.union(asked.scopes)
  return {
    answer: { result: withWayOut(result, { scopes }, server) },
    missing: fault.scope_missing({ data: { scope: formatScope(scopes) } }),
  }
}

const REFUSED: Result = { isError: true, content: [], resultType: 'complete' }

function withoutStepUp(result: Result): Result {
  const { _meta, ...rest } = result
  if (!isObject(_meta) || !Object.hasOwn(_meta, META_STEP_UP)) return result
  const { [META_STEP_UP]: _, ...others } = _meta
  return Object.keys(others).length === 0 ? rest : { ...rest, _meta: others }
}

/** For a client that has been sent something already, so that no status can tell it: what to do, in words and as a step-up. */
function withWayOut(result: Result, stepUp: StepUp, { mount }: Server): Result {
  const content: unknown[] = Array.isArray(result['content']) ? result['content'] : []
  const scope = formatScope(stepUp.scopes)
  const text = `Your agent must ask you for the scope "${scope}" at ${mount}, and then call again.`
  return {
    ...result,
    content: [...content, { type: 'text', text }],
    _meta: { ...(isObject(result['_meta']) ? result['_meta'] : {}), ...stepUpMeta(stepUp) },
  }
}
