import { parseSoftwareStatement, parseStrictJson, Refusal } from '@tetrapod/protocol'
import { compactVerify, decodeJwt, decodeProtectedHeader, errors, type JWTVerifyGetKey } from 'jose'
import { ASSERTION_ALGORITHMS } from '#agents'
import { type Clock, Fault, nowSeconds } from '#kernel'
import { fault } from './faults.ts'

/**
 * Verifies a software statement and returns what it says of the software; undefined where there is none. Throws
 * `oauth.statement_unapproved`, `oauth.statement_invalid`, and the fault of keys that cannot be fetched.
 */
export type CheckStatement = (statement: unknown) => Promise<Readonly<Record<string, unknown>> | undefined>

export interface SoftwareStatementDeps {
  /** The authorization server, which a statement may name as its audience. */
  readonly issuer: string
  /** The keys of those whose statements count. */
  readonly publishers: ReadonlyMap<string, JWTVerifyGetKey>
  readonly clock: Clock
}

export function statementChecker({ issuer, publishers, clock }: SoftwareStatementDeps): CheckStatement {
  const audiences = [issuer, `${issuer}/register`, `${issuer}/token`]
  return async (statement) => {
    if (statement === undefined || statement === null) return undefined
    if (typeof statement !== 'string') throw fault.statement_invalid({ detail: 'not a text' })
    const publisher = issuerOf(statement)
    const keys = publishers.get(publisher)
    if (keys === undefined) throw fault.statement_unapproved({ detail: publisher })
    try {
      const { payload, protectedHeader } = await compactVerify(statement, keys, {
        algorithms: [...ASSERTION_ALGORITHMS],
      })
      const expected = { issuer: publisher, audiences, now: nowSeconds(clock) }
      return parseSoftwareStatement({ ...protectedHeader }, parseStrictJson(payload), expected)
    } catch (cause) {
      // The publisher's keys could not be fetched: that says nothing of the statement.
      if (cause instanceof Fault) throw cause
      throw fault.statement_invalid({ cause, detail: cause instanceof Refusal ? cause.code : '' })
    }
  }
}

function issuerOf(statement: string): string {
  try {
    decodeProtectedHeader(statement)
    const { iss } = decodeJwt(statement)
    if (typeof iss === 'string') return iss
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError) && !(cause instanceof TypeError)) throw cause
  }
  throw fault.statement_invalid({ detail: 'no JWT with an issuer' })
}
