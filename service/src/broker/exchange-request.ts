import {
  GRANT_TOKEN_EXCHANGE,
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_TRANSACTION_TOKEN,
} from '@tetrapod/protocol'
import { z } from 'zod'
import { own } from '#kernel'
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

const SUBJECT_KINDS = {
  [TOKEN_TYPE_ACCESS_TOKEN]: 'access_token',
  [TOKEN_TYPE_TRANSACTION_TOKEN]: 'txn_token',
} as const

/** The target as the client names it: a catalogue key as `audience`, a resource identifier as `resource`, or both of one API. */
export interface ExchangeRequest {
  readonly subjectToken: string
  /** What it is declared to be. */
  readonly subjectKind: 'access_token' | 'txn_token'
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
  const subjectKind = own(SUBJECT_KINDS, subject_token_type)
  if (
    subjectKind === undefined ||
    (requested_token_type ?? TOKEN_TYPE_ACCESS_TOKEN) !== TOKEN_TYPE_ACCESS_TOKEN
  )
    throw fault.token_type_unsupported()
  return { subjectToken: subject_token, subjectKind, audience, resource, scope }
}
