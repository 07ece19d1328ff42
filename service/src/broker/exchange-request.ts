import { GRANT_TOKEN_EXCHANGE, TOKEN_TYPE_ACCESS_TOKEN } from '@tetrapod/protocol'
import { z } from 'zod'
import { fault } from './faults.ts'

/** An exchange request as it travels, parameters read from the form (RFC 8693 §2.1). */
const wire = z.object({
  grant_type: z.literal(GRANT_TOKEN_EXCHANGE),
  subject_token: z.string().min(1),
  subject_token_type: z.string().min(1),
  actor_token: z.never().optional(),
  actor_token_type: z.never().optional(),
  requested_token_type: z.string().optional(),
  audience: z.array(z.string()),
  resource: z.array(z.string()),
  scope: z.string().max(4096).optional(),
})

/** The target as the client names it: a catalogue key as `audience`, a resource identifier as `resource`, or both of one API. */
export interface ExchangeRequest {
  readonly subjectToken: string
  readonly audience: readonly string[]
  readonly resource: readonly string[]
  /** As sent; undefined asks for all that can be had. */
  readonly scope: string | undefined
}

/**
 * Step 4 of the exchange: the shape of the request (RFC 8693 §2.1). Throws `broker.request_malformed`,
 * `broker.token_type_unsupported`.
 */
export function parseExchangeRequest(form: Readonly<Record<string, unknown>>): ExchangeRequest {
  const parsed = wire.safeParse(form)
  if (!parsed.success) throw fault.request_malformed({ detail: z.prettifyError(parsed.error) })
  const { subject_token, subject_token_type, requested_token_type, audience, resource, scope } = parsed.data
  const types = [subject_token_type, requested_token_type ?? TOKEN_TYPE_ACCESS_TOKEN]
  if (!types.every((type) => type === TOKEN_TYPE_ACCESS_TOKEN)) throw fault.token_type_unsupported()
  return { subjectToken: subject_token, audience, resource, scope }
}
